import { join } from 'node:path';
import type { StorageError } from '@raftlog/core';
import type { Block, BlockStore, BlockStoreContext, Commit, OpenedBlocks } from '@raftlog/kit';
import type Database from 'better-sqlite3';
import { Housekeeping } from './housekeeping.ts';
import {
  closeDatabase,
  type OpenDatabase,
  openDatabase,
  type SqliteSettings,
  settleDatabase,
} from './open-database.ts';
import { sqliteError } from './sqlite-error.ts';

/** An open database and what is asked of it. */
interface Session extends OpenDatabase {
  readonly housekeeping: Housekeeping;
  readonly apply: (commit: Commit) => void;
  readonly select: Database.Statement<[number], [key: number, bytes: unknown]>;
}

/**
 * Blocks as rows of a table by their key, the header as the one row of another. In WAL mode: a commit is appended to SQLite's write-ahead
 * log and synced there; a checkpoint copies that into the database. Its calls block: this runs in a thread of its own.
 */
export class SqliteBlocks implements BlockStore {
  readonly #settings: SqliteSettings;
  readonly #context: BlockStoreContext;
  readonly #path: string;
  #session: Session | undefined;
  #settled = false;
  /** The write or sync that failed: none is tried after it, since the system may call a second sync a success that isn't one. */
  #failed: StorageError | undefined;

  constructor(settings: SqliteSettings, context: BlockStoreContext) {
    this.#settings = settings;
    this.#context = context;
    this.#path = join(context.directory, 'blocks.db');
  }

  async open(): Promise<OpenedBlocks> {
    try {
      const opened = openDatabase(this.#path, this.#settings, this.#context);
      const { database, header, discardedBytes } = opened;
      const housekeeping = new Housekeeping(database, this.#settings.walBytes, (operation, error) =>
        this.#failedBeside(operation, error),
      );
      this.#session = { ...opened, housekeeping, apply: prepareCommit(database), select: prepareSelect(database) };
      this.#context.failure.addEventListener('abort', () => housekeeping.stop());
      const lastIndex = database.prepare<[], number | null>('SELECT max(key) FROM blocks').pluck().get() ?? undefined;
      return { header, lastIndex, discardedBytes };
    } catch (error) {
      throw sqliteError(error, 'open', this.#path);
    }
  }

  async settle(): Promise<void> {
    this.#write('open', ({ database }) => settleDatabase(database, this.#context.buffered));
    this.#settled = true;
    // What a purge freed before.
    this.#session?.housekeeping.afterCommit(true);
  }

  /** One transaction. With `synchronous=FULL` its end is on the device when SQLite returns. */
  async commit(commit: Commit): Promise<void> {
    this.#write('commit', ({ apply }) => apply(commit));
    const mayHaveFreed = commit.removeFrom !== undefined || commit.removeThrough !== undefined;
    this.#session?.housekeeping.afterCommit(mayHaveFreed);
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    const found: Block[] = [];
    let size = 0;
    try {
      for (const [key, bytes] of this.#opened.select.iterate(first)) {
        // Damage can turn the column into something else; what is no block fails the kit's checksum like any other.
        const block = { key, bytes: bytes instanceof Uint8Array ? bytes : new Uint8Array(0) };
        found.push(block);
        size += block.bytes.byteLength;
        if (key >= last || size >= maxBytes) break;
      }
    } catch (error) {
      throw sqliteError(error, 'read', this.#path);
    }
    return found;
  }

  /**
   * Makes the commits of a buffered store durable: one more, synced, whose fsync covers the whole WAL. It has to change something;
   * SQLite neither writes nor syncs for a row that stays as it was.
   */
  async sync(): Promise<void> {
    // Every commit was synced, and has to be further on.
    if (!this.#context.buffered) return;
    this.#write('sync', ({ database }) => {
      database.pragma('synchronous = FULL');
      database.exec('UPDATE header SET syncs = syncs + 1');
      database.pragma('synchronous = NORMAL');
    });
  }

  async close(): Promise<void> {
    if (this.#session === undefined) return;
    const session = this.#session;
    this.#session = undefined;
    session.housekeeping.stop();
    const hasFailed = this.#failed !== undefined || this.#context.failure.aborted;
    closeDatabase(session, hasFailed || (session.hasWal && !this.#settled));
  }

  get #opened(): Session {
    if (this.#session === undefined) throw new Error('The database is not open.');
    return this.#session;
  }

  #write(operation: string, work: (session: Session) => void): void {
    const session = this.#opened;
    session.housekeeping.catchUp();
    if (this.#failed !== undefined) throw this.#failed;
    try {
      work(session);
    } catch (error) {
      throw this.#fail(sqliteError(error, operation, this.#path));
    }
  }

  #fail(failure: StorageError): StorageError {
    this.#failed ??= failure;
    this.#session?.housekeeping.stop();
    return failure;
  }

  /** For want of space SQLite gives up before it syncs anything, and may try again. After any other failure nothing may. */
  #failedBeside(operation: string, error: unknown): void {
    const failure = sqliteError(error, operation, this.#path);
    if (failure.code !== 'NO_SPACE') this.#fail(failure);
    this.#context.backgroundFailure(operation, failure);
  }
}

function prepareCommit(database: Database.Database): (commit: Commit) => void {
  const remove = database.prepare<[number, number]>('DELETE FROM blocks WHERE key >= ? AND key <= ?');
  const put = database.prepare<[number, Uint8Array]>('REPLACE INTO blocks (key, bytes) VALUES (?, ?)');
  const putHeader = database.prepare<[Uint8Array]>('REPLACE INTO header (id, bytes) VALUES (1, ?)');
  const transaction = database.transaction((commit: Commit) => {
    if (commit.removeFrom !== undefined) remove.run(commit.removeFrom, Number.MAX_SAFE_INTEGER);
    if (commit.removeThrough !== undefined) remove.run(0, commit.removeThrough);
    for (const { key, bytes } of commit.put) put.run(key, bytes);
    putHeader.run(commit.header);
  });
  return transaction.immediate;
}

function prepareSelect(database: Database.Database): Session['select'] {
  return database
    .prepare<[number], [number, unknown]>('SELECT key, bytes FROM blocks WHERE key >= ? ORDER BY key')
    .raw();
}
