import { createRequire } from 'node:module';

/**
 * As much of `@nxtedition/rocksdb` as is used here. The package has no types of its own; keys and values are bytes because the
 * database is opened with these encodings. Apart from `open` and `close` every call blocks until it is done.
 */
export interface RocksLevel {
  open(options: OpenOptions): Promise<void>;
  /** Waits for background work and syncs the write-ahead log. */
  close(): Promise<void>;
  /** Answers for one moment of the database. */
  querySync(options: QueryOptions & QueryDefaults): QueryAnswer;
  /** One range deletion: in the write-ahead log, but never synced, whatever the options say. */
  clear(range: KeyRange): Promise<void>;
  /** A batch that can be used again once it is cleared. Those of `batch()` can't, and keep their memory until a garbage collection that doesn't know of it. */
  _chainedBatch(): WriteBatch;
}

export interface WriteBatch {
  _put(key: Uint8Array, value: Uint8Array): void;
  _del(key: Uint8Array): void;
  _clear(): void;
  /** Writes and, with `sync`, syncs the write-ahead log. (`put` and `del` of the database itself ignore `sync`.) */
  _writeSync(options: { readonly sync: boolean }): void;
}

/** Both ends inclusive with `gte` and `lte`. */
export type KeyRange = ({ readonly gt: Uint8Array } | { readonly gte: Uint8Array }) & { readonly lte: Uint8Array };

interface OpenOptions {
  readonly createIfMissing: boolean;
  readonly compaction: 'level';
  readonly memtableMemoryBudget: number;
  readonly cacheSize: number;
  readonly compression: boolean;
  readonly walCompression: boolean;
}

interface QueryOptions {
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
  /** The query ends with the row that exceeds it. A signed 32-bit number. */
  readonly highWaterMarkBytes?: number;
}

interface QueryDefaults {
  /** Both encodings have to be given each time: without them the driver reads memory that was never set. */
  readonly keyEncoding: 'buffer';
  readonly valueEncoding: 'buffer';
  readonly fillCache: boolean;
  /** Reads ahead through io_uring. */
  readonly asyncIO: boolean;
}

/** Keys and values in turn; `finished` unless `highWaterMarkBytes` ended it. */
interface QueryAnswer {
  readonly rows: readonly Uint8Array[];
  readonly finished: boolean;
}

type RocksLevelConstructor = new (
  directory: string,
  options: Pick<QueryDefaults, 'keyEncoding' | 'valueEncoding'>,
) => RocksLevel;

/** Loads the native driver; throws where the package has no binary for this platform. */
export function loadDriver(): RocksLevelConstructor {
  const require = createRequire(import.meta.url);
  const { RocksLevel }: { readonly RocksLevel: RocksLevelConstructor } = require('@nxtedition/rocksdb');
  return RocksLevel;
}
