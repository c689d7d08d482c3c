import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';
import { FileStorageEngine } from '../../src/index.ts';

/** As open.mjs has them. */
const SMALL = { segmentBytes: 64 * 1024, cacheBytes: 8 * 1024 };

/** The file adaptor, as the conformance suite judges it. */
export function fileBuilder(durability: 'sync' | 'buffered'): DirectoryBuilder {
  return new DirectoryBuilder({
    open: (directory, { small, ...options }) =>
      FileStorageEngine.open({ directory, durability, ...options, ...(small ? SMALL : {}) }),
    module: new URL('./open.mjs', import.meta.url),
    offersBuffered: true,
    takesFileIo: true,
    files: (directory) => {
      const blocks = join(directory, 'blocks');
      return {
        log: async () => (await readdir(blocks)).sort().map((name) => join(blocks, name)),
        ...controlFiles(directory),
      };
    },
  });
}
