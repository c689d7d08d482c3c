import type { Entry, HardState } from '@raftlog/core';
import { RaftError } from './errors.ts';
import type { Write } from './ready.ts';

/** A write that the host has, and of which it is not known yet whether it is durable. */
interface OpenWrite {
  readonly id: number;
  /** End of what this write brought and no later one has cut off; 0: nothing. */
  lastIndex: number;
}

/**
 * What is to be written and what is durable. Collects the changes of log and hard state until the host takes them, then follows them until they are stored.
 */
export class Writes {
  #nextId = 1;
  #hardState: HardState | undefined;
  #truncateFrom: number | undefined;
  #entries: Entry[] = [];
  readonly #open: OpenWrite[] = [];
  /** The last write that brought a hard state. */
  #hardStateId = 0;
  #storedId = 0;
  #storedIndex: number;

  constructor(storedIndex: number) {
    this.#storedIndex = storedIndex;
  }

  /** Highest index that is durable here: only what lies at or below it may be acknowledged, counted or applied. */
  get storedIndex(): number {
    return this.#storedIndex;
  }

  /** The entries that go out with the next write. */
  get pendingEntries(): readonly Entry[] {
    return this.#entries;
  }

  /** The last write that was taken; 0: none was. */
  get lastId(): number {
    return this.#nextId - 1;
  }

  get isHardStateStored(): boolean {
    return this.#hardState === undefined && this.#hardStateId <= this.#storedId;
  }

  saveHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  append(entry: Entry): void {
    this.#entries.push(entry);
  }

  truncate(from: number): void {
    this.#forget(from - 1);
    const firstPending = this.#entries[0]?.index ?? Number.POSITIVE_INFINITY;
    if (from > firstPending) {
      // The engine doesn't have them yet: they are simply not written.
      this.#entries.length = from - firstPending;
    } else {
      this.#entries = [];
      this.#truncateFrom = Math.min(this.#truncateFrom ?? from, from);
    }
  }

  /** The log is replaced by a snapshot that is durable: nothing that was to be written to it matters any more. */
  reset(boundaryIndex: number): void {
    this.#forget(0);
    this.#entries = [];
    this.#truncateFrom = undefined;
    this.#storedIndex = boundaryIndex;
  }

  /** The write to wait for before anything leaves that depends on the hard state as it is now; 0: none. */
  get hardStateDependency(): number {
    if (this.#hardState !== undefined) return this.#nextId;
    return this.#hardStateId > this.#storedId ? this.#hardStateId : 0;
  }

  /** The write to wait for before the log up to `index` may be vouched for; 0: none. */
  logDependency(index: number): number {
    if (index <= this.#storedIndex) return 0;
    return this.#open.find(({ lastIndex }) => lastIndex >= index)?.id ?? this.#nextId;
  }

  /** What has to be written now. */
  take(): Write | undefined {
    if (this.#hardState === undefined && this.#truncateFrom === undefined && this.#entries.length === 0)
      return undefined;
    const write: Write = {
      id: this.#nextId++,
      ...(this.#hardState && { hardState: this.#hardState }),
      ...(this.#truncateFrom !== undefined && { truncateFrom: this.#truncateFrom }),
      entries: this.#entries,
    };
    this.#open.push({ id: write.id, lastIndex: this.#entries.at(-1)?.index ?? 0 });
    if (this.#hardState !== undefined) this.#hardStateId = write.id;
    this.#hardState = undefined;
    this.#truncateFrom = undefined;
    this.#entries = [];
    return write;
  }

  /** The write `id` is durable, and all before it. */
  stored(id: number): void {
    if (!Number.isSafeInteger(id) || id >= this.#nextId) {
      throw new RaftError(
        'INVALID_ARGUMENT',
        `There is no write ${id}. Pass the id of a write that ready() has given.`,
      );
    }
    while (this.#open[0] !== undefined && this.#open[0].id <= id) {
      this.#storedIndex = Math.max(this.#storedIndex, this.#open[0].lastIndex);
      this.#open.shift();
    }
    this.#storedId = Math.max(this.#storedId, id);
  }

  isStored(id: number): boolean {
    return id <= this.#storedId;
  }

  /** What lies above `lastIndex` is cut off, in memory now and on the disk soon: a write that is still open doesn't bring it back. */
  #forget(lastIndex: number): void {
    this.#storedIndex = Math.min(this.#storedIndex, lastIndex);
    for (const write of this.#open) write.lastIndex = Math.min(write.lastIndex, lastIndex);
  }
}
