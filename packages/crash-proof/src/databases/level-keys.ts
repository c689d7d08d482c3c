import { ClassicLevel } from 'classic-level';
import type { KeyChange, OrderedKeys } from './ordered-keys.ts';

export class LevelKeys implements OrderedKeys {
  #database: ClassicLevel<Uint8Array, Uint8Array> | undefined;

  async open(directory: string): Promise<void> {
    this.#database = new ClassicLevel(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      writeBufferSize: 64 * 1024,
      compression: false,
    });
    await this.#database.open();
  }

  async write(changes: readonly KeyChange[], syncs: boolean): Promise<void> {
    const batch = changes.map(({ key, value }) =>
      value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    );
    await this.#opened.batch(batch, { sync: syncs });
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#opened.get(key);
  }

  async list(first: Uint8Array, end: Uint8Array): Promise<{ key: Uint8Array; value: Uint8Array }[]> {
    const rows = await this.#opened.iterator({ gte: first, lt: end }).all();
    return rows.map(([key, value]) => ({ key, value }));
  }

  async close(): Promise<void> {
    await this.#database?.close();
  }

  get #opened(): ClassicLevel<Uint8Array, Uint8Array> {
    if (this.#database === undefined) throw new Error('The database is not open.');
    return this.#database;
  }
}
