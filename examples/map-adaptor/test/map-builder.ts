import type { StorageEngine } from '@raftlog/core';
import { type BuildOptions, DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import { MapStorageEngine } from '../src/index.ts';

/**
 * Opens an engine as the conformance suite asks for it. A child process of the suite imports it too.
 *
 * @public
 */
export function open(directory: string, { small, ...options }: BuildOptions = {}): Promise<StorageEngine> {
  return MapStorageEngine.open({ directory, ...options, ...(small && { cacheBytes: 4 * 1024 }) });
}

export function mapBuilder(): DirectoryBuilder {
  return new DirectoryBuilder({
    open,
    // Compiled: plain Node imports it.
    module: new URL('../dist/test/map-builder.js', import.meta.url),
    takesFileIo: true,
    files: controlFiles,
  });
}
