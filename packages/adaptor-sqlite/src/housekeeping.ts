import type Database from 'better-sqlite3';
import { checkpoint, numberOf } from './pragmas.ts';

const KIB = 1024;

/** Free pages are kept for the next entries up to this much, or as much as is in use; what is more goes back to the file system. */
const RESERVE_BYTES: number = 4096 * KIB;

/** Between two steps of the vacuum, so that it takes a small part of the thread's time and commits take the rest. */
const PAUSE_MS = 50;
/** A step that takes longer makes a commit behind it wait noticeably; a shorter one can grow. The sync at its end is in it, so there is a least. */
const SLOW_MS = 3;
const FAST_MS = 1;
const MIN_STEP_BYTES: number = 512 * KIB;
const MAX_STEP_BYTES: number = 4096 * KIB;

/** What a database needs besides its commits: the WAL copied into it now and then, and purged space handed back. */
export class Housekeeping {
  readonly #database: Database.Database;
  readonly #walBytes: number;
  readonly #onFailure: (operation: string, error: unknown) => void;
  readonly #pageBytes: number;
  #stepBytes: number = MIN_STEP_BYTES;
  #mayHaveFreed = false;
  #soon: NodeJS.Immediate | undefined;
  #later: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(database: Database.Database, walBytes: number, onFailure: (operation: string, error: unknown) => void) {
    this.#database = database;
    this.#walBytes = walBytes;
    this.#onFailure = onFailure;
    this.#pageBytes = numberOf(database, 'page_size');
  }

  /** What is due then is done as soon as the commit has been answered. `mayHaveFreed`: it removed blocks. */
  afterCommit(mayHaveFreed: boolean): void {
    this.#mayHaveFreed ||= mayHaveFreed;
    this.#soon ??= setImmediate(() => this.catchUp());
  }

  /** Before the next commit: calls that come in quick succession keep immediates waiting, and the WAL would grow with each. */
  catchUp(): void {
    if (this.#soon === undefined) return;
    clearImmediate(this.#soon);
    this.#soon = undefined;
    this.#keepWalShort();
    if (this.#mayHaveFreed) this.#planVacuum();
  }

  /** From now on nothing is written. */
  stop(): void {
    this.#stopped = true;
    clearImmediate(this.#soon);
    clearTimeout(this.#later);
  }

  /** A checkpoint of the whole WAL; the next commit starts it anew. */
  #keepWalShort(): void {
    this.#try('copy the write-ahead log into the database', () => {
      const { log } = checkpoint(this.#database, 'NOOP');
      if (log * this.#pageBytes >= this.#walBytes) checkpoint(this.#database, 'PASSIVE');
    });
  }

  #planVacuum(): void {
    if (this.#later !== undefined) return;
    this.#mayHaveFreed = false;
    this.#try('look for free pages', () => {
      if (this.#surplusBytes() > 0) this.#later = setTimeout(() => this.#vacuum(), PAUSE_MS);
    });
  }

  /** Takes free pages out of the database, a few at a time, moving used ones from its end. */
  #vacuum(): void {
    this.#later = undefined;
    const done = this.#try('give free pages back to the file system', () => {
      const started = performance.now();
      const bytes = Math.min(this.#stepBytes, this.#surplusBytes());
      this.#database.pragma(`incremental_vacuum(${Math.ceil(bytes / this.#pageBytes)})`);
      const milliseconds = performance.now() - started;
      if (milliseconds > SLOW_MS) this.#stepBytes = Math.max(MIN_STEP_BYTES, this.#stepBytes / 2);
      else if (milliseconds < FAST_MS) this.#stepBytes = Math.min(MAX_STEP_BYTES, this.#stepBytes * 2);
      // Only a checkpoint makes the file shorter.
      if (this.#surplusBytes() === 0) checkpoint(this.#database, 'PASSIVE');
    });
    this.#keepWalShort();
    // What failed is not tried again before more is freed.
    if (done) this.#planVacuum();
  }

  /** Size of the free pages that are not worth keeping. */
  #surplusBytes(): number {
    const free = numberOf(this.#database, 'freelist_count') * this.#pageBytes;
    if (free <= RESERVE_BYTES) return 0;
    const used = numberOf(this.#database, 'page_count') * this.#pageBytes - free;
    return Math.max(0, free - Math.max(used, RESERVE_BYTES));
  }

  /** True if `work` was done. */
  #try(operation: string, work: () => void): boolean {
    if (this.#stopped) return false;
    try {
      work();
      return true;
    } catch (error) {
      this.#onFailure(operation, error);
      return false;
    }
  }
}
