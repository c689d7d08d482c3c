import {
  type Adaptor,
  checkWhole,
  defineAdaptor,
  type EngineOptions,
  invalidArgument,
  ThreadedBlockStore,
} from '@raftlog/kit';
import type { SqliteSettings } from './open-database.ts';

/** Options of {@link SqliteStorageEngine}. What would weaken durability (journal mode, synchronous, memory mapping) can't be set. */
export interface SqliteOptions extends EngineOptions {
  /** Size of a page of the database, a power of two from 512 to 65,536 bytes. Counts when the database is made; later it keeps its own. Default: 16 KiB. */
  readonly pageBytes?: number;
  /** Memory for pages of the database, from 64 KiB on. Entries are cached by the engine (`cacheBytes`), so it need not be large. Default: 1 MiB. */
  readonly pageCacheBytes?: number;
  /**
   * Size of SQLite's write-ahead log from which on it is copied into the database, 64 KiB to 1 GiB. A commit that comes meanwhile
   * waits, so a larger one makes for fewer, longer waits. Default: 8 MiB.
   */
  readonly walBytes?: number;
}

/** Beside this module once it is built; a thread has no loader for TypeScript. */
const WORKER: URL = new URL('./sqlite-worker.js', import.meta.url);

const KIB = 1024;
const GIB = KIB * KIB * KIB;

/**
 * Durable Raft storage in SQLite. The database works in a worker thread, since its calls block; the thread ends with `close`, and
 * doesn't keep the process alive while nothing is under way.
 *
 * @example
 * ```ts
 * const engine = await SqliteStorageEngine.open({ directory: 'data/node-1' });
 * try {
 *   await engine.logStore.persistEntries([{ index: 1, term: 1, kind: 'command', data: Buffer.from('x = 1') }]);
 * } finally {
 *   await engine.close();
 * }
 * ```
 */
export const SqliteStorageEngine: Adaptor<SqliteOptions> = defineAdaptor<SqliteOptions>({
  name: '@raftlog/adaptor-sqlite',
  durability: ['sync', 'buffered'],
  keepsNoBlocks: true,
  checkOptions: settingsOf,
  blockStore: (options, context) => new ThreadedBlockStore(WORKER, settingsOf(options), context),
});

function settingsOf(options: SqliteOptions): SqliteSettings {
  const { pageBytes = 16 * KIB, pageCacheBytes = KIB * KIB, walBytes = 8 * KIB * KIB } = options;
  if (!Number.isInteger(Math.log2(checkWhole('pageBytes', pageBytes, 512, 64 * KIB)))) {
    throw invalidArgument('pageBytes', pageBytes, 'a power of two');
  }
  return {
    pageBytes,
    pageCacheBytes: checkWhole('pageCacheBytes', pageCacheBytes, 64 * KIB, KIB * GIB),
    walBytes: checkWhole('walBytes', walBytes, 64 * KIB, GIB),
  };
}
