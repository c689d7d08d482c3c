import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageEngine } from '@raftlog/core';
import type { BuildOptions, ChildProcessOpener, LogFiles, StorageEngineBuilder } from '@raftlog/core/conformance';
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

export class DirectBuilder implements StorageEngineBuilder {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'raftlog-direct-'));
  readonly takesFileIo = true;
  readonly child: ChildProcessOpener = { module: new URL(import.meta.url), place: this.directory };
  readonly files: LogFiles = {
    log: async () => [join(this.directory, 'direct.journal')],
    hardState: [join(this.directory, 'direct.hard-state-a'), join(this.directory, 'direct.hard-state-b')],
  };

  build(options?: BuildOptions): Promise<StorageEngine> {
    return open(this.directory, options);
  }

  async cleanup(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
