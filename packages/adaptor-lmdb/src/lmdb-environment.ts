import { open, type RootDatabase } from 'lmdb';
import { causeOfFailedCommit, namedSystemError } from './lmdb-errors.ts';

/** What a user may choose. */
export interface LmdbSettings {
  readonly mapSize: number;
  readonly pageSize: number | undefined;
}

/** Keys and values are bytes. */
export type LmdbDatabase = RootDatabase<Uint8Array, Uint8Array>;

// What was read through the map counts as memory of the process until it is unmapped. Opening the database anew takes about a millisecond.
const MOST_BYTES_MAPPED = 16 * 1024 * 1024;

/** An LMDB database that is closed and opened again now and then, unnoticed. */
export class LmdbEnvironment {
  readonly #directory: string;
  readonly #settings: LmdbSettings;
  #database: LmdbDatabase | undefined;
  #reopening: Promise<void> | undefined;
  #isWriting = false;
  #hasFailed = false;
  #bytesMapped = 0;

  constructor(directory: string, settings: LmdbSettings) {
    this.#directory = directory;
    this.#settings = settings;
  }

  /** Opens the database, or makes it. Its file was checked before. */
  open(): void {
    this.#database = openDatabase(this.#directory, this.#settings, this.#hasFailed);
  }

  /** Calls `read`, which is done with the database when it returns. */
  async read<Result>(read: (database: LmdbDatabase) => Result): Promise<Result> {
    if (!this.#isWriting) await this.#unmapIfMuch();
    // In a loop: another one that waited here may have begun the next one.
    while (this.#reopening !== undefined) await this.#reopening;
    return read(this.#opened);
  }

  /** To be told of what was read, or had to be looked at, through the map. */
  countMapped(bytes: number): void {
    this.#bytesMapped += bytes;
  }

  /** Runs `change`, which only calls `put`, `remove` and `clearAsync`, as one transaction, off the event loop. It is on the device when this resolves. */
  async write(change: (database: LmdbDatabase) => void): Promise<void> {
    await this.#unmapIfMuch();
    while (this.#reopening !== undefined) await this.#reopening;
    const database = this.#opened;
    this.#isWriting = true;
    try {
      await database.batch(() => change(database));
    } catch (error) {
      // After a failed write of the meta page LMDB reads no more either, and lmdb-js takes that for the end of every range.
      this.#hasFailed = true;
      await this.#reopen().catch(() => undefined);
      throw await causeOfFailedCommit(error);
    } finally {
      this.#isWriting = false;
    }
  }

  /** Frees everything; it writes nothing. */
  async close(): Promise<void> {
    while (this.#reopening !== undefined) await this.#reopening;
    const database = this.#database;
    this.#database = undefined;
    await database?.close();
  }

  async #unmapIfMuch(): Promise<void> {
    if (this.#bytesMapped > MOST_BYTES_MAPPED && this.#reopening === undefined) await this.#reopen();
  }

  #reopen(): Promise<void> {
    const database = this.#opened;
    this.#database = undefined;
    this.#bytesMapped = 0;
    // Closed first: of two that are open LMDB makes one. Opened at once: what it needs of the system has just become free.
    this.#reopening = database.close().then(() => {
      this.#reopening = undefined;
      this.open();
    });
    return this.#reopening;
  }

  get #opened(): LmdbDatabase {
    if (this.#database === undefined) throw new Error('The database is not open.');
    return this.#database;
  }
}

function openDatabase(directory: string, settings: LmdbSettings, readOnly: boolean): LmdbDatabase {
  const { mapSize, pageSize } = settings;
  try {
    return open<Uint8Array, Uint8Array>({
      path: directory,
      noSubdir: false,
      readOnly,
      encoding: 'binary',
      keyEncoding: 'binary',
      // The kit has one, of what it makes of the bytes.
      cache: false,
      // By default a failed write of the meta page is reported as a success.
      overlappingSync: false,
      // By default a failed commit rejects one promise more, which nobody can get hold of: Node ends the process.
      eventTurnBatching: false,
      // Would map 64 KiB at a time, up to 1 GiB of them, and fail when it needs more.
      remapChunks: false,
      mapSize,
      ...(pageSize === undefined ? {} : { pageSize }),
    });
  } catch (error) {
    throw namedSystemError(error);
  }
}
