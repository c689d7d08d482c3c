import { existsSync, statSync } from 'node:fs';
import { StorageError } from '@raftlog/core';
import type { BlockStoreContext } from '@raftlog/kit';
import Database from 'better-sqlite3';
import { checkpoint, numberOf } from './pragmas.ts';
import { damagedDatabase } from './sqlite-error.ts';
import { scanWal, type WalTail } from './wal-scan.ts';

const TABLES: readonly string[] = [
  'CREATE TABLE blocks (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL)',
  'CREATE TABLE header (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL, syncs INTEGER NOT NULL DEFAULT 0)',
];

/** `user_version` of the database while it is written to without a sync per commit. */
const BUFFERED_VERSION = 1;

/** How SQLite is set up; checked before. */
export interface SqliteSettings {
  readonly pageBytes: number;
  readonly pageCacheBytes: number;
  readonly walBytes: number;
}

/** A database in which nothing was found that speaks against it. */
export interface OpenDatabase {
  readonly database: Database.Database;
  /**
   * An idle connection that can't write. The last connection that is closed moves the WAL into the database, and there is no other way to
   * keep it from that than to close it while this one is there.
   */
  readonly guard: Database.Database;
  readonly header: Uint8Array | undefined;
  /** There is something in the WAL: the database was not closed. */
  readonly hasWal: boolean;
  /** Bytes of torn commits at the end of the WAL, which SQLite's recovery passes over. */
  readonly discardedBytes: number;
}

/** Opens the database, or makes it if `create`. Changes nothing that is there. */
export function openDatabase(path: string, settings: SqliteSettings, context: BlockStoreContext): OpenDatabase {
  if (context.create) createDatabase(path, settings.pageBytes);
  // SQLite takes an empty file for a new database, and removes its WAL.
  else if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0)
    throw damagedDatabase(`${path} is missing or empty`, path);
  const hasWal = existsSync(`${path}-wal`);
  const tail = scanWal(`${path}-wal`);
  const database = new Database(path, { fileMustExist: true });
  const guard = new Database(path, { readonly: true });
  try {
    // A write that fails while WAL mode is made may be told by nobody, not even by the pragma: the next connection finds another mode, and a
    // guard in that mode keeps nothing from being written.
    if (context.create) useWal(database);
    // From its first read on a connection counts as open. With a WAL the first is the guard's, without one it would leave an empty one behind.
    const header = judge(hasWal ? guard : database, tail, context.salvage);
    guard.pragma('schema_version');
    configure(database, settings, context.buffered);
    return { database, guard, header, hasWal, discardedBytes: tail.bytes };
  } catch (error) {
    closeDatabase({ database, guard }, hasWal);
    throw error;
  }
}

/**
 * The recovery barrier. What the database answers now stands in the database file or in the WAL. After a killed process, or after a
 * sync that failed, the pages of the WAL may be in the page cache only, and syncing it again would prove nothing. So all of it is
 * written into the database file and that is synced: fresh writes, which the kernel can't take for done. What the WAL doesn't hold any
 * more was synced there before SQLite let go of it.
 */
export function settleDatabase(database: Database.Database, buffered: boolean): void {
  useWal(database);
  markMode(database, buffered);
  if (checkpoint(database, 'TRUNCATE').busy === 0) return;
  const { name: path } = database;
  const message = `Another program has ${path} open. Close it there, then open the store again.`;
  throw new StorageError('LOCKED', message, { path });
}

/** The last connection moves the WAL into the database and removes it, if it can write. */
export function closeDatabase({ database, guard }: Pick<OpenDatabase, 'database' | 'guard'>, keepWal: boolean): void {
  const [first, last] = keepWal ? [database, guard] : [guard, database];
  first.close();
  last.close();
}

function createDatabase(path: string, pageBytes: number): void {
  const database = new Database(path);
  try {
    // These two count only before anything is in the file.
    database.pragma(`page_size = ${pageBytes}`);
    database.pragma('auto_vacuum = INCREMENTAL');
    useWal(database);
    for (const table of TABLES) database.exec(table);
  } finally {
    database.close();
  }
}

/** What the kit can't see of a damage. Returns the header. */
function judge(database: Database.Database, tail: WalTail, salvage: boolean): Uint8Array | undefined {
  const { name: path } = database;
  database.pragma('cell_size_check = ON');
  const tables = database.prepare<[], string>('SELECT sql FROM sqlite_schema ORDER BY name').pluck().all();
  if (tables.join() !== TABLES.join()) throw damagedDatabase(`${path} is not the database that was made here`, path);
  checkTail(database, tail);
  if (salvage) checkStructure(database);
  const header = database.prepare<[], unknown>('SELECT bytes FROM header WHERE id = 1').pluck().get();
  // Columns have no types of their own in SQLite: a damaged record can hold anything.
  if (header === undefined || header instanceof Uint8Array) return header;
  throw damagedDatabase(`The header of ${path} is not what was written`, path);
}

/**
 * SQLite drops the end of a damaged WAL without a word, and the next checkpoint makes that final. No salvage either: what those commits held
 * nobody can tell.
 */
function checkTail(database: Database.Database, tail: WalTail): void {
  const wal = `${database.name}-wal`;
  if (tail.offset === 0) throw damagedDatabase(`The header of ${wal} is damaged`, wal, { offset: 0 });
  // Each commit was synced before the next was written: one can be torn, the last.
  const wasBuffered = numberOf(database, 'user_version') === BUFFERED_VERSION;
  if (tail.commits < 2 || wasBuffered) return;
  const what = `${wal} is damaged behind byte ${tail.offset}: ${tail.commits} commits that were durable lie there`;
  throw damagedDatabase(what, wal, { offset: tail.offset });
}

/** A repair writes into the tree: if that is damaged too, it would overwrite what is intact. */
function checkStructure(database: Database.Database): void {
  const { name: path } = database;
  const [problem] = database.prepare<[], string>('PRAGMA integrity_check(1)').pluck().all();
  if (problem !== 'ok') throw damagedDatabase(`SQLite finds the structure of ${path} damaged: ${problem}`, path);
}

/** All of this counts for a connection, not for the database: set at each open. */
function configure(database: Database.Database, settings: SqliteSettings, buffered: boolean): void {
  const { walBytes, pageCacheBytes } = settings;
  // WAL mode alone would sync at checkpoints only: better-sqlite3 is compiled with SQLITE_DEFAULT_WAL_SYNCHRONOUS=1.
  database.pragma(`synchronous = ${buffered ? 'NORMAL' : 'FULL'}`);
  // On macOS fsync stops at the drive's cache, F_FULLFSYNC doesn't. Elsewhere these do nothing.
  database.pragma('fullfsync = ON');
  database.pragma('checkpoint_fullfsync = ON');
  // A checkpoint of SQLite's own hides its failure, and a failed sync must not be followed by one that succeeds.
  database.pragma('wal_autocheckpoint = 0');
  database.pragma(`journal_size_limit = ${2 * walBytes}`);
  database.pragma(`cache_size = -${Math.ceil(pageCacheBytes / 1024)}`);
  // A mapped file that turns out short kills the process.
  database.pragma('mmap_size = 0');
  database.pragma('cell_size_check = ON');
}

/** What the next open may conclude from the WAL depends on how it was written. Durable with the recovery barrier, so before the first commit. */
function markMode(database: Database.Database, buffered: boolean): void {
  const version = buffered ? BUFFERED_VERSION : 0;
  if (numberOf(database, 'user_version') !== version) database.pragma(`user_version = ${version}`);
}

function useWal(database: Database.Database): void {
  const mode = database.pragma('journal_mode = WAL', { simple: true });
  if (mode === 'wal') return;
  const message = `SQLite can't use WAL mode at ${database.name} (it stays in mode ${mode}). Choose a directory on a local file system.`;
  throw new StorageError('UNSUPPORTED', message, { feature: 'WAL mode' });
}
