import { type Adaptor, checkWhole, defineAdaptor, type EngineOptions, ThreadedBlockStore } from '@raftlog/kit';
import type { RocksdbSettings } from './rocksdb-database.ts';

/** Options of {@link RocksdbStorageEngine}. The database itself is set up with its defaults otherwise; what would weaken a sync can't be set. */
export interface RocksdbOptions extends EngineOptions {
  /**
   * Memory for what was written last, before RocksDB moves it into a table file: 1 MiB to 1 GiB. Half of it is moved at a time; table
   * files have an eighth. More means fewer and larger files and less rewriting, but a longer open and purged space that comes
   * back later. Can be changed from one open to the next. Default: 64 MiB.
   */
  readonly writeBufferBytes?: number;
  /**
   * Memory for what RocksDB read from its table files: 0 to 1 GiB. Beside the kit's own cache (`cacheBytes`) it is seldom worth
   * anything. Default: 0, none.
   */
  readonly blockCacheBytes?: number;
}

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** Always the compiled file: a thread starts without the loaders that tests may have. */
const worker = new URL('./rocksdb-worker.js', import.meta.url);

/**
 * Durable Raft storage in RocksDB, in a thread of its own.
 *
 * @example
 * ```ts
 * const engine = await RocksdbStorageEngine.open({ directory: 'data/node-1' });
 * try {
 *   await engine.logStore.persistEntries([{ index: 1, term: 1, kind: 'command', data: Buffer.from('x = 1') }]);
 * } finally {
 *   await engine.close();
 * }
 * ```
 */
export const RocksdbStorageEngine: Adaptor<RocksdbOptions> = defineAdaptor<RocksdbOptions>({
  name: '@raftlog/adaptor-rocksdb',
  durability: ['sync', 'buffered'],
  keepsNoBlocks: true,
  checkOptions: settingsOf,
  blockStore: (options, context) => new ThreadedBlockStore(worker, settingsOf(options), context),
});

function settingsOf({ writeBufferBytes = 64 * MIB, blockCacheBytes = 0 }: RocksdbOptions): RocksdbSettings {
  return {
    writeBufferBytes: checkWhole('writeBufferBytes', writeBufferBytes, MIB, GIB),
    blockCacheBytes: checkWhole('blockCacheBytes', blockCacheBytes, 0, GIB),
  };
}
