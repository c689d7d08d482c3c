import type { StorageEngine } from '@raftlog/core';
import type { AdaptorName } from './names.ts';

/** How an engine is opened here. */
export interface OpenOptions {
  readonly directory: string;
  readonly durability?: 'sync' | 'buffered';
}

/** What the benchmark has to know of an adaptor. */
export interface AdaptorFacts {
  /** Loads the adaptor too: a trial holds the code of the one that it measures, and no other. */
  readonly open: (options: OpenOptions) => Promise<StorageEngine>;
  /** Its log outlives the engine. */
  readonly persistent: boolean;
  /** Logs can be prepared without a sync for each commit. */
  readonly offersBuffered: boolean;
  /** It writes again where it has purged: measured in the state in which a log is for most of its life. */
  readonly recyclesFiles: boolean;
}

const database = { persistent: true, offersBuffered: false, recyclesFiles: false };

export const ADAPTORS: Readonly<Record<AdaptorName, AdaptorFacts>> = {
  file: {
    open: async (options) => (await import('@raftlog/adaptor-file')).FileStorageEngine.open(options),
    persistent: true,
    offersBuffered: true,
    recyclesFiles: true,
  },
  memory: {
    open: async () => (await import('@raftlog/adaptor-memory')).MemoryStorageEngine.open({}),
    persistent: false,
    offersBuffered: false,
    recyclesFiles: false,
  },
  level: {
    ...database,
    open: async (options) => (await import('@raftlog/adaptor-level')).LevelStorageEngine.open(options),
  },
  lmdb: {
    ...database,
    open: async (options) => (await import('@raftlog/adaptor-lmdb')).LmdbStorageEngine.open(options),
  },
  sqlite: {
    ...database,
    offersBuffered: true,
    open: async (options) => (await import('@raftlog/adaptor-sqlite')).SqliteStorageEngine.open(options),
  },
  rocksdb: {
    ...database,
    offersBuffered: true,
    open: async (options) => (await import('@raftlog/adaptor-rocksdb')).RocksdbStorageEngine.open(options),
  },
};

/** Runs `work` on an engine, which is closed afterwards. */
export async function onEngine<Result>(
  adaptor: AdaptorName,
  options: OpenOptions,
  work: (engine: StorageEngine) => Promise<Result>,
): Promise<Result> {
  const engine = await ADAPTORS[adaptor].open(options);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** How the process that measures memory opens an adaptor: it loads this module and nothing else of it. */
export function openerModule(adaptor: AdaptorName): URL {
  return new URL(`../../../adaptor-${adaptor}/test/support/open.mjs`, import.meta.url);
}
