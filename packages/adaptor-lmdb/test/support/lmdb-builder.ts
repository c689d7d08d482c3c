import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import { type LmdbOptions, LmdbStorageEngine } from '../../src/index.ts';

/** As open.mjs has them. A map that the suite's logs outgrow. */
const SMALL = { mapSize: 1024 * 1024, cacheBytes: 8 * 1024 };

/** The LMDB adaptor, as the conformance suite judges it. */
export function lmdbBuilder(settings: Omit<LmdbOptions, 'directory'> = {}): DirectoryBuilder {
  return new DirectoryBuilder({
    open: (directory, { small, ...options }) =>
      LmdbStorageEngine.open({ directory, ...settings, ...options, ...(small ? SMALL : {}) }),
    module: new URL('./open.mjs', import.meta.url),
    files: controlFiles,
  });
}
