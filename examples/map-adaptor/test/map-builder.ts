import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageEngine } from '@raftlog/core';
import type { BuildOptions, ChildProcessOpener, StorageEngineBuilder } from '@raftlog/core/conformance';
import { MapStorageEngine } from '../src/index.ts';

/**
 * Opens an engine as the conformance suite asks for it. A child process of the suite imports it too.
 *
 * @public
 */
export function open(directory: string, { small, ...options }: BuildOptions = {}): Promise<StorageEngine> {
  return MapStorageEngine.open({ directory, ...options, ...(small && { cacheBytes: 4 * 1024 }) });
}

export class MapBuilder implements StorageEngineBuilder {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'raftlog-map-'));
  readonly takesFileIo = true;
  // Compiled: plain Node imports it.
  readonly child: ChildProcessOpener = {
    module: new URL('../dist/test/map-builder.js', import.meta.url),
    place: this.directory,
  };

  build(options?: BuildOptions): Promise<StorageEngine> {
    return open(this.directory, options);
  }

  async cleanup(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
