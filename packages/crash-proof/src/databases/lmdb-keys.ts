import { open, type RootDatabase } from 'lmdb';
import type { KeyChange, OrderedKeys } from './ordered-keys.ts';

export class LmdbKeys implements OrderedKeys {
  readonly #overlaps: boolean;
  #database: RootDatabase<Uint8Array, Uint8Array> | undefined;

  /** `overlaps`: as lmdb-js does it by default, a transaction resolves before it is synced. */
  constructor(overlaps: boolean) {
    this.#overlaps = overlaps;
  }

  async open(path: string): Promise<void> {
    const encodings = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
    this.#database = open<Uint8Array, Uint8Array>({
      ...encodings,
      path,
      noSubdir: false,
      mapSize: 1024 * 1024,
      ...(this.#overlaps ? {} : { overlappingSync: false }),
    });
  }

  async write(changes: readonly KeyChange[]): Promise<void> {
    const database = this.#opened;
    await database.batch(() => {
      for (const { key, value } of changes) {
        if (value === undefined) void database.remove(key);
        else void database.put(key, value);
      }
    });
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#opened.getBinary(key);
  }

  async list(start: Uint8Array, end: Uint8Array): Promise<{ key: Uint8Array; value: Uint8Array }[]> {
    return [...this.#opened.getRange({ start, end })];
  }

  async close(): Promise<void> {
    await this.#database?.close();
  }

  get #opened(): RootDatabase<Uint8Array, Uint8Array> {
    if (this.#database === undefined) throw new Error('The database is not open.');
    return this.#database;
  }
}
