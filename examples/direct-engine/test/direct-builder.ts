import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageEngine } from '@raftlog/core';
import { type BuildOptions, DirectoryBuilder } from '@raftlog/core/conformance';
import { DirectStorageEngine } from '../src/index.ts';

/**
 * Opens an engine as the conformance suite asks for it. A child process of the suite imports it too.
 *
 * @public
 */
export function open(directory: string, options: BuildOptions = {}): Promise<StorageEngine> {
  const { fileIo, maxPendingBytes, small } = options;
  return DirectStorageEngine.open({
    directory,
    ...(fileIo && { fileIo }),
    ...(maxPendingBytes !== undefined && { maxPendingBytes }),
    ...(small && { compactAboveBytes: 8 * 1024 }),
  });
}

export function directBuilder(): DirectoryBuilder {
  return new DirectoryBuilder({
    open,
    module: new URL(import.meta.url),
    takesFileIo: true,
    files: (directory) => {
      const snapshots = join(directory, 'direct.snapshots');
      return {
        log: async () => [join(directory, 'direct.journal')],
        hardState: [join(directory, 'direct.hard-state-a'), join(directory, 'direct.hard-state-b')],
        snapshots: async () => (await readdir(snapshots)).map((name) => join(snapshots, name)),
      };
    },
  });
}
