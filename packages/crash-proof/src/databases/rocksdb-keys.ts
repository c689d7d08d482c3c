import { createRequire } from 'node:module';
import type { KeyChange, OrderedKeys } from './ordered-keys.ts';

// The package has no types of its own.
interface RocksDatabase {
  open(options: { readonly createIfMissing: boolean; readonly compression: boolean }): Promise<void>;
  close(): Promise<void>;
  _chainedBatch(): {
    _put(key: Uint8Array, value: Uint8Array): void;
    _del(key: Uint8Array): void;
    _writeSync(options: { readonly sync: boolean }): void;
  };
  querySync(options: {
    readonly gte: Uint8Array;
    readonly lt?: Uint8Array;
    readonly limit?: number;
    readonly keyEncoding: 'buffer';
    readonly valueEncoding: 'buffer';
    readonly fillCache: boolean;
    readonly asyncIO: boolean;
    readonly highWaterMarkBytes: number;
  }): { readonly rows: readonly Uint8Array[] };
}

const ENCODINGS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
const QUERY = { ...ENCODINGS, fillCache: false, asyncIO: false, highWaterMarkBytes: 2 ** 31 - 1 };

export class RocksdbKeys implements OrderedKeys {
  #database: RocksDatabase | undefined;

  async open(directory: string): Promise<void> {
    const require = createRequire(import.meta.url);
    const { RocksLevel }: { readonly RocksLevel: new (directory: string, options: typeof ENCODINGS) => RocksDatabase } =
      require('@nxtedition/rocksdb');
    this.#database = new RocksLevel(directory, ENCODINGS);
    await this.#database.open({ createIfMissing: true, compression: false });
  }

  async write(changes: readonly KeyChange[], syncs: boolean): Promise<void> {
    const batch = this.#opened._chainedBatch();
    for (const { key, value } of changes) {
      if (value === undefined) batch._del(key);
      else batch._put(key, value);
    }
    batch._writeSync({ sync: syncs });
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const [found, value] = this.#opened.querySync({ ...QUERY, gte: key, limit: 1 }).rows;
    return found !== undefined && Buffer.compare(found, key) === 0 ? value : undefined;
  }

  async list(gte: Uint8Array, lt: Uint8Array): Promise<{ key: Uint8Array; value: Uint8Array }[]> {
    const { rows } = this.#opened.querySync({ ...QUERY, gte, lt });
    return rows.flatMap((key, at) => {
      const value = rows[at + 1];
      return at % 2 === 0 && value !== undefined ? [{ key, value }] : [];
    });
  }

  async close(): Promise<void> {
    await this.#database?.close();
  }

  get #opened(): RocksDatabase {
    if (this.#database === undefined) throw new Error('The database is not open.');
    return this.#database;
  }
}
