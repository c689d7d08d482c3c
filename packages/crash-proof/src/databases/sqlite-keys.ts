import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { KeyChange, OrderedKeys } from './ordered-keys.ts';

export class SqliteKeys implements OrderedKeys {
  readonly #synchronous: 'FULL' | 'NORMAL';
  #database: Database.Database | undefined;

  constructor(synchronous: 'FULL' | 'NORMAL') {
    this.#synchronous = synchronous;
  }

  async open(directory: string): Promise<void> {
    const database = new Database(join(directory, 'keys.db'));
    this.#database = database;
    database.pragma('page_size = 512');
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${this.#synchronous}`);
    database.exec('CREATE TABLE IF NOT EXISTS keys (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID');
  }

  async write(changes: readonly KeyChange[]): Promise<void> {
    const database = this.#opened;
    const put = database.prepare('INSERT OR REPLACE INTO keys VALUES (?, ?)');
    const remove = database.prepare('DELETE FROM keys WHERE key = ?');
    database.transaction(() => {
      for (const { key, value } of changes) {
        if (value === undefined) remove.run(key);
        else put.run(key, value);
      }
    })();
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const value = this.#opened.prepare('SELECT value FROM keys WHERE key = ?').pluck().get(key);
    return value instanceof Uint8Array ? value : undefined;
  }

  async list(first: Uint8Array, end: Uint8Array): Promise<{ key: Uint8Array; value: Uint8Array }[]> {
    const rows = this.#opened
      .prepare('SELECT key, value FROM keys WHERE key >= ? AND key < ? ORDER BY key')
      .all(first, end);
    return rows as { key: Uint8Array; value: Uint8Array }[];
  }

  async close(): Promise<void> {
    this.#database?.close();
  }

  get #opened(): Database.Database {
    if (this.#database === undefined) throw new Error('The database is not open.');
    return this.#database;
  }
}
