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

/** An LMDB database that is closed now and then, and opened again when it is used next. */
export class LmdbEnvironment {
  readonly #directory: string;
  readonly #settings: LmdbSettings;
  #database: LmdbDatabase | undefined;
  #closing: Promise<void> | undefined;
  #isWriting = false;
  #hasFailed = false;
  #bytesMapped = 0;

  constructor(directory: string, settings: LmdbSettings) {
    this.#directory = directory;
    this.#settings = settings;
  }

  /** Calls `read`, which is done with the database when it returns. */
  async read<Result>(read: (database: LmdbDatabase) => Result): Promise<Result> {
    if (this.#bytesMapped > MOST_BYTES_MAPPED && !this.#isWriting) await this.close();
    // In a loop: another one that waited may have begun to close it again.
    while (this.#closing !== undefined) await this.#closing;
    return read(this.#opened);
  }

  /** To be told of what was read, or had to be looked at, through the map. */
  countMapped(bytes: number): void {
    this.#bytesMapped += bytes;
  }

  /** Runs `change`, which only calls `put`, `remove` and `clearAsync`, as one transaction, off the event loop. It is on the device when this resolves. */
  async write(change: (database: LmdbDatabase) => void): Promise<void> {
    if (this.#bytesMapped > MOST_BYTES_MAPPED) await this.close();
    while (this.#closing !== undefined) await this.#closing;
    const database = this.#opened;
    this.#isWriting = true;
    try {
      await database.batch(() => change(database));
    } catch (error) {
      // After a failed write of the meta page LMDB reads no more either, and lmdb-js takes that for the end of every range.
      this.#hasFailed = true;
      await this.close();
      throw await causeOfFailedCommit(error, this.#directory);
    } finally {
      this.#isWriting = false;
    }
  }

  /** Unmaps the database and frees everything; it writes nothing. */
  async close(): Promise<void> {
    while (this.#closing !== undefined) await this.#closing;
    const database = this.#database;
    this.#database = undefined;
    this.#bytesMapped = 0;
    // Nobody opens it before: LMDB takes two that are open for one, and the second would go with the first.
    this.#closing = database?.close().then(() => {
      this.#closing = undefined;
    });
    await this.#closing;
  }

  get #opened(): LmdbDatabase {
    this.#database ??= openDatabase(this.#directory, this.#settings, this.#hasFailed);
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
