import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type KeyRange, loadDriver, type RocksLevel, type WriteBatch } from './driver.ts';
import { rocksdbError } from './rocksdb-error.ts';

/** How RocksDB is set up; checked before. */
export interface RocksdbSettings {
  readonly writeBufferBytes: number;
  readonly blockCacheBytes: number;
}

/** Rows in the order of their keys. */
export interface Query {
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
  /** Ends with the row that exceeds it; there is always one. */
  readonly maxBytes?: number;
}

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

const MAX_INT_32 = 2 ** 31 - 1;
const ENCODINGS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

/** An open RocksDB, its errors turned into what they mean to the user. All but `open` and `close` blocks. */
export class RocksdbDatabase {
  readonly #driver: RocksLevel;
  readonly #directory: string;
  readonly #fillCache: boolean;
  /** One for all writes, or the memory of each would wait for the garbage collector. */
  readonly #batch: WriteBatch;
  /** On macOS the driver's fsync leaves it to the drive when to write its cache; the one of Node, on any file, has all of it written. */
  readonly #driveFlusher: number | undefined;

  private constructor(driver: RocksLevel, directory: string, settings: RocksdbSettings) {
    this.#driver = driver;
    this.#directory = directory;
    this.#fillCache = settings.blockCacheBytes > 0;
    this.#batch = driver._chainedBatch();
    this.#driveFlusher = process.platform === 'darwin' ? openSync(join(directory, 'CURRENT'), 'r') : undefined;
  }

  static async open(directory: string, create: boolean, settings: RocksdbSettings): Promise<RocksdbDatabase> {
    try {
      const Driver = loadDriver();
      const driver = new Driver(directory, ENCODINGS);
      await driver.open({
        createIfMissing: create,
        // Without a style the driver takes no size for the write buffer.
        compaction: 'level',
        memtableMemoryBudget: settings.writeBufferBytes,
        cacheSize: settings.blockCacheBytes,
        // What is to be compressed is before it gets here, whole blocks at a time.
        compression: false,
        walCompression: false,
      });
      return new RocksdbDatabase(driver, directory, settings);
    } catch (error) {
      throw rocksdbError(error, 'open the database', directory);
    }
  }

  /** Atomic; with `sync` it is on the device when this returns, and all that was written before it too. */
  write(sync: boolean, fill: (batch: WriteBatch) => void): void {
    try {
      this.#batch._clear();
      fill(this.#batch);
      this.#batch._writeSync({ sync });
      if (sync && this.#driveFlusher !== undefined) fsyncSync(this.#driveFlusher);
    } catch (error) {
      throw rocksdbError(error, 'write to the database', this.#directory);
    }
  }

  /** Written, but not synced before the next `write` that is. Costs the same however much it removes. */
  async removeRange(range: KeyRange): Promise<void> {
    try {
      await this.#driver.clear(range);
    } catch (error) {
      throw rocksdbError(error, 'remove a range from the database', this.#directory);
    }
  }

  /** What is there now, or the beginning of it; `finished`: all of it. */
  query({ maxBytes = Infinity, ...range }: Query): { readonly rows: readonly Row[]; readonly finished: boolean } {
    try {
      const { rows, finished } = this.#driver.querySync({
        ...range,
        ...ENCODINGS,
        highWaterMarkBytes: Math.min(maxBytes, MAX_INT_32),
        fillCache: this.#fillCache,
        asyncIO: false,
      });
      return { rows: pairsOf(rows), finished };
    } catch (error) {
      throw rocksdbError(error, 'read from the database', this.#directory);
    }
  }

  value(key: Uint8Array): Uint8Array | undefined {
    const [row] = this.query({ gte: key, limit: 1 }).rows;
    return row !== undefined && Buffer.compare(row.key, key) === 0 ? row.value : undefined;
  }

  async close(): Promise<void> {
    try {
      await this.#driver.close();
    } catch (error) {
      throw rocksdbError(error, 'close the database', this.#directory);
    } finally {
      if (this.#driveFlusher !== undefined) closeSync(this.#driveFlusher);
    }
  }
}

/** Of keys and values in turn. */
function pairsOf(rows: readonly Uint8Array[]): Row[] {
  const pairs: Row[] = [];
  for (let at = 1; at < rows.length; at += 2) {
    const [key, value] = [rows[at - 1], rows[at]];
    if (key !== undefined && value !== undefined) pairs.push({ key, value });
  }
  return pairs;
}
