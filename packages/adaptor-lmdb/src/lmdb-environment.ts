import { open, type RootDatabase } from 'lmdb';
import { causeOfFailedCommit, namedSystemError } from './lmdb-errors.ts';

/** What a user may choose. */
export interface LmdbSettings {
  readonly mapSize: number;
  readonly pageSize: number | undefined;
}

/** Keys and values are bytes. */
export type LmdbDatabase = RootDatabase<Uint8Array, Uint8Array>;

/** An LMDB database, which after a failure is opened once more, to be read only. */
export class LmdbEnvironment {
  readonly #directory: string;
  readonly #settings: LmdbSettings;
  #database: LmdbDatabase | undefined;
  #reopening: Promise<void> | undefined;

  constructor(directory: string, settings: LmdbSettings) {
    this.#directory = directory;
    this.#settings = settings;
  }

  /** Opens the database, or makes it. Its file was checked before. */
  open(): void {
    this.#database = openDatabase(this.#directory, this.#settings, false);
  }

  /** Calls `read`, which is done with the database when it returns. */
  async read<Result>(read: (database: LmdbDatabase) => Result): Promise<Result> {
    await this.#reopening;
    return read(this.#opened);
  }

  /** Runs `change`, which only calls `put`, `remove` and `clearAsync`, as one transaction, off the event loop. It is on the device when this resolves. */
  async write(change: (database: LmdbDatabase) => void): Promise<void> {
    const database = this.#opened;
    try {
      await database.batch(() => change(database));
    } catch (error) {
      // After a failed write of the meta page LMDB reads no more either, and lmdb-js takes that for the end of every range.
      this.#reopening = this.#reopenReadOnly();
      await this.#reopening;
      throw await causeOfFailedCommit(error);
    }
  }

  /** Frees everything; it writes nothing. */
  async close(): Promise<void> {
    await this.#reopening;
    const database = this.#database;
    this.#database = undefined;
    await database?.close();
  }

  /** Where that fails too, nothing can be read any more. */
  async #reopenReadOnly(): Promise<void> {
    const database = this.#opened;
    this.#database = undefined;
    try {
      // Closed first: of two that are open LMDB makes one.
      await database.close();
      this.#database = openDatabase(this.#directory, this.#settings, true);
    } catch {
      // Whoever reads is told that the database isn't open; why the write failed is what counts.
    }
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
