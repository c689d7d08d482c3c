import { existsSync, statSync } from 'node:fs';
import { StorageError } from '@raftlog/core';
import type { BlockStoreContext } from '@raftlog/kit';
import Database from 'better-sqlite3';
import { checkpoint, numberOf } from './pragmas.ts';
import { damagedDatabase } from './sqlite-error.ts';
import { scanWal, type WalTail } from './wal-scan.ts';

const TABLES: readonly string[] = [
  'CREATE TABLE blocks (key INTEGER PRIMARY KEY, bytes BLOB NOT NULL)',
  'CREATE TABLE header (id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, bytes BLOB NOT NULL, syncs INTEGER NOT NULL DEFAULT 0)',
];

/** `user_version` of the database while it is written to without a sync per commit. */
const BUFFERED_VERSION = 1;

/** How SQLite is set up; checked before. */
export interface SqliteSettings {
  readonly pageBytes: number;
  readonly pageCacheBytes: number;
  readonly walBytes: number;
}

/** The one row of its table: the kit's header, and the number of its commit where SQL can read it. */
interface Header {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** A database that may be used. */
export interface OpenDatabase {
  readonly database: Database.Database;
  /**
   * An idle connection that can't write. The last connection that is closed moves the WAL into the database, and there is no other way to
   * keep it from that after a failure than to close it while this one is there.
   */
  readonly guard: Database.Database;
  readonly header: Uint8Array | undefined;
  /** Bytes of torn commits at the end of the WAL, which SQLite's recovery dropped. */
  readonly discardedBytes: number;
}

/** Opens the database, or makes it if `create`. A damaged one is refused and left as it was. */
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
    // With a WAL, only the guard can be closed without moving it. Without one it would leave an empty WAL, which the other removes.
    const header = judge(hasWal ? guard : database, tail, context);
    // From the first read on a connection counts as open.
    guard.pragma('schema_version');
    configure(database, settings, context.buffered);
    settle(database);
    return { database, guard, header: header?.bytes, discardedBytes: tail.bytes };
  } catch (error) {
    database.close();
    guard.close();
    throw error;
  }
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

/** Looks for everything that speaks against opening the database, through a connection that can't change it. */
function judge(database: Database.Database, tail: WalTail, context: BlockStoreContext): Header | undefined {
  const { name: path } = database;
  database.pragma('cell_size_check = ON');
  const tables = database.prepare<[], string>('SELECT sql FROM sqlite_schema ORDER BY name').pluck().all();
  if (tables.join() !== TABLES.join()) throw damagedDatabase(`${path} is not the database that was made here`, path);
  const header = readHeader(database);
  if (context.salvage) checkStructure(database);
  else checkEnd(database, header?.sequence ?? 0, tail, context.witnessedSequence);
  if (!context.create && header === undefined) throw damagedDatabase(`${path} has no header any more`, path);
  return header;
}

/** SQLite drops the end of a damaged WAL without a word, and the checkpoint after this would make that final. */
function checkEnd(database: Database.Database, sequence: number, tail: WalTail, witnessed: number): void {
  const { name: path } = database;
  if (sequence < witnessed) {
    const what = `${path} ends with commit ${sequence}, but commit ${witnessed} was durable`;
    throw damagedDatabase(`${what}: the end of SQLite's write-ahead log is damaged or missing`, path);
  }
  const wal = `${path}-wal`;
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

function readHeader(database: Database.Database): Header | undefined {
  const found = database
    .prepare<[], { sequence: unknown; bytes: unknown }>('SELECT sequence, bytes FROM header WHERE id = 1')
    .get();
  if (found === undefined) return undefined;
  const { sequence, bytes } = found;
  // Columns have no types of their own in SQLite: a damaged record can hold anything.
  if (typeof sequence === 'number' && bytes instanceof Uint8Array) return { sequence, bytes };
  throw damagedDatabase(`The header of ${database.name} is not what was written`, database.name);
}

/** All of this counts for a connection, not for the database: set at each open. */
function configure(database: Database.Database, settings: SqliteSettings, buffered: boolean): void {
  const { walBytes, pageCacheBytes } = settings;
  useWal(database);
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
  markMode(database, buffered);
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

/**
 * The recovery barrier. What the database answers now stands in the database file or in the WAL. After a killed process, or after a
 * sync that failed, the pages of the WAL may be in the page cache only, and syncing it again would prove nothing. So all of it is
 * written into the database file and that is synced: fresh writes, which the kernel can't take for done. What the WAL doesn't hold any
 * more was synced there before SQLite let go of it.
 */
function settle(database: Database.Database): void {
  const { name: path } = database;
  if (checkpoint(database, 'TRUNCATE').busy === 0) return;
  const message = `Another program has ${path} open. Close it there, then open the store again.`;
  throw new StorageError('LOCKED', message, { path });
}
