import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import { type LevelOptions, LevelStorageEngine } from '../../src/index.ts';

/** As open.mjs has them. */
const SMALL = { writeBufferBytes: 64 * 1024, cacheBytes: 8 * 1024 };

/** The LevelDB adaptor, as the conformance suite judges it. */
export function levelBuilder(settings: Partial<LevelOptions> = {}): DirectoryBuilder {
  return new DirectoryBuilder({
    open: (directory, { small, ...options }) =>
      LevelStorageEngine.open({ directory, ...settings, ...options, ...(small ? SMALL : {}) }),
    module: new URL('./open.mjs', import.meta.url),
    files: controlFiles,
  });
}
