import {
  type Entry,
  type HardState,
  type IndexRange,
  type LogId,
  type LogStore,
  MAX_INDEX,
  type ReadOptions,
  StorageError,
  type StreamOptions,
  type WriteBatch,
} from '@raftlog/core';
import { invalidArgument } from '../argument.ts';
import { ENTRY_HEADER_BYTES } from '../format/block.ts';
import { aborted, type LogReader, purged } from './log-reader.ts';
import { type LogState, UNKNOWN_TERM } from './log-state.ts';
import type { Repairer } from './salvage.ts';
import { damaged } from './stored-blocks.ts';
import { checkEntries, checkHardState, checkIndex, checkLogId, checkObject, checkPosition } from './validate.ts';
import type { CommitBatch, Writer } from './writer.ts';

/** What a {@link Log} works on. */
export interface LogParts {
  readonly state: LogState;
  readonly writer: Writer;
  readonly reader: LogReader;
  /** Absent where salvage isn't offered. */
  readonly repairer: Repairer | undefined;
  readonly durability: 'sync' | 'buffered' | 'volatile';
  readonly maxEntryBytes: number;
  readonly hardState: HardState | undefined;
  readonly onPurge: () => void;
}

/**
 * The rules of a Raft log, once for all adaptors: what is accepted, what is refused, and in which order it reaches the writer.
 *
 * Each write validates, then changes the accepted state, then hands the change to the writer, all in the turn of the call: nothing in between
 * can fail, so a refused call leaves no trace and an accepted one is seen by the next.
 */
export class Log implements LogStore {
  readonly isWriteDurable: boolean;
  readonly #parts: LogParts;
  readonly #state: LogState;
  readonly #writer: Writer;
  #hardState: HardState | undefined;
  /**
   * When the last of the changes is durable that a later call may find made already: a hard state, a cut, a boundary. That call is
   * done no sooner. Commits are made in order, so the last stands for all.
   */
  #settled: Promise<void> = Promise.resolve();

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#state = parts.state;
    this.#writer = parts.writer;
    this.#hardState = parts.hardState;
    this.isWriteDurable = parts.durability === 'sync';
  }

  get firstIndex(): number {
    return this.#state.firstIndex;
  }

  get lastIndex(): number {
    return this.#state.lastIndex;
  }

  get lastLogId(): LogId | undefined {
    return this.#state.last && this.#state.end;
  }

  get durableIndex(): number {
    return this.#state.durableIndex;
  }

  get purgeBoundary(): LogId | undefined {
    return this.#state.boundary;
  }

  get damagedRanges(): readonly IndexRange[] {
    return this.#state.damaged;
  }

  async loadHardState(): Promise<HardState | undefined> {
    this.#writer.assertOpen();
    return this.#hardState;
  }

  persistEntries(entries: readonly Entry[]): Promise<void> {
    return refuseAsRejection(() => this.#change(undefined, undefined, entries));
  }

  truncate(fromIndex: number): Promise<void> {
    return this.replaceRange(fromIndex, []);
  }

  replaceRange(fromIndex: number, entries: readonly Entry[]): Promise<void> {
    return refuseAsRejection(() => {
      checkIndex('fromIndex', fromIndex);
      return this.#change(undefined, fromIndex, entries);
    });
  }

  saveHardState(state: HardState): Promise<void> {
    return refuseAsRejection(() => {
      if (state === undefined) throw invalidArgument('hardState', state, 'a hard state { currentTerm, votedFor }');
      return this.#change(state, undefined, []);
    });
  }

  write(batch: WriteBatch): Promise<void> {
    return refuseAsRejection(() => {
      if (typeof batch !== 'object' || batch === null)
        throw invalidArgument('batch', batch, 'a batch { hardState, truncateFrom, entries }');
      const { hardState, truncateFrom, entries = [] } = batch;
      if (truncateFrom !== undefined) checkIndex('truncateFrom', truncateFrom);
      return this.#change(hardState, truncateFrom, entries);
    });
  }

  /** Every change but purge and reset: a hard state, a cut, entries, in this order; checked whole before any of it is accepted. */
  #change(
    hardState: HardState | undefined,
    truncateFrom: number | undefined,
    entries: readonly Entry[],
  ): Promise<void> {
    if (!Array.isArray(entries)) throw invalidArgument('entries', entries, 'an array of entries');
    this.#writer.admit(0);
    const isNewState = hardState !== undefined && checkHardState(hardState, this.#hardState);
    const previous = truncateFrom === undefined ? this.#state.end : this.#checkCut(truncateFrom, entries.length > 0);
    const dataBytes = checkEntries(entries, previous, this.#parts.maxEntryBytes);
    const bytes = dataBytes + entries.length * ENTRY_HEADER_BYTES;
    const cuts = truncateFrom !== undefined && truncateFrom <= this.#state.lastIndex;
    if (entries.length > 0 || cuts || isNewState) this.#writer.admit(bytes);

    let done = hardState === undefined && truncateFrom === undefined ? Promise.resolve() : this.#settled;
    if (isNewState) {
      const { currentTerm, votedFor } = hardState;
      this.#hardState = { currentTerm, votedFor };
      const batch = this.#writer.batchForHardState();
      batch.hardState = this.#hardState;
      done = batch.done;
      this.#settled = done;
    }
    if (cuts || entries.length > 0) {
      const batch = this.#writer.batchForLog(bytes);
      if (cuts) this.#state.truncate(truncateFrom, batch);
      this.#state.append(entries, batch, bytes);
      // A replacement is durable also where it happens to cut nothing: the caller can't tell, and need not.
      this.#accept(batch, truncateFrom !== undefined);
      done = batch.done;
      if (cuts) this.#settled = done;
    }
    return done;
  }

  /** What entries at `from` have to follow, if the log may be cut there. */
  #checkCut(from: number, isReplacement: boolean): LogId {
    const { firstIndex, lastIndex } = this.#state;
    if (from < firstIndex) throw purged(from, firstIndex);
    if (from > lastIndex + 1) {
      if (!isReplacement) return BEFORE_FIRST;
      throw new StorageError(
        'NON_CONTIGUOUS',
        `A replacement from ${from} on leaves a gap: the log ends at ${lastIndex}. Start it at ${lastIndex + 1} or below.`,
        { expectedIndex: lastIndex + 1, actualIndex: from },
      );
    }
    // What stands before the cut is what the next entry is checked against: it must be known.
    if (from > firstIndex && from <= lastIndex) this.#termOf(from - 1);
    return this.#state.before(from);
  }

  purge(through: LogId): Promise<void> {
    return refuseAsRejection(() => {
      this.#writer.admit(0);
      // Index 0 stands before every log: a node that has no snapshot yet purges through it.
      if (typeof through === 'object' && through !== null && through.index === 0) return Promise.resolve();
      checkLogId('through', through);
      const { boundary, end, lastIndex } = this.#state;
      const { index, term } = through;
      if (boundary !== undefined && index < boundary.index) return this.#settled;
      const known = index === boundary?.index ? boundary.term : index <= lastIndex ? this.#termOf(index) : undefined;
      if (known !== undefined && known !== term) {
        throw new StorageError(
          'LOG_ID_MISMATCH',
          `The log has term ${known} at index ${index}, not ${term}: it is another history. To install a snapshot over it, use reset(boundary).`,
          { expected: { index, term: known }, actual: { index, term } },
        );
      }
      if (index === boundary?.index) return this.#settled;
      if (term < end.term && index > lastIndex) {
        throw new StorageError(
          'TERM_REGRESSION',
          `The boundary's term ${term} is below term ${end.term} of the last entry. To install a snapshot over another history, use reset(boundary).`,
          { lastTerm: end.term, actualTerm: term },
        );
      }
      const batch = this.#writer.batchForLog(0);
      this.#state.purge({ index, term });
      this.#accept(batch, true);
      this.#parts.onPurge();
      this.#settled = batch.done;
      return this.#settled;
    });
  }

  reset(boundary?: LogId): Promise<void> {
    return refuseAsRejection(() => {
      this.#writer.admit(0);
      if (boundary !== undefined) checkLogId('boundary', boundary);
      const batch = this.#writer.batchForLog(0);
      // Everything is removed by this commit itself: a deletion left over from a purge would hit the new entries.
      batch.removeThrough = undefined;
      this.#state.reset(boundary === undefined ? undefined : { index: boundary.index, term: boundary.term }, batch);
      this.#accept(batch, true);
      this.#parts.onPurge();
      this.#settled = batch.done;
      return this.#settled;
    });
  }

  #accept(batch: CommitBatch, sync: boolean): void {
    batch.capture(this.#state);
    // Entries may be buffered; a cut or a boundary that is lost would bring back what is gone.
    batch.sync ||= sync;
  }

  flush(): Promise<void> {
    return refuseAsRejection(() => {
      this.#writer.admit(0);
      return this.#writer.flush();
    });
  }

  repair(entries: readonly Entry[]): Promise<void> {
    return refuseAsRejection(() => {
      this.#writer.admit(0);
      const { repairer } = this.#parts;
      if (repairer !== undefined) return repairer.repair(entries);
      throw new StorageError('UNSUPPORTED', 'This engine offers no salvage, so there is nothing to repair.', {
        feature: 'repair',
      });
    });
  }

  async entry(index: number): Promise<Entry | undefined> {
    checkPosition('index', index);
    this.#assertReadable(index);
    if (index < this.firstIndex || index > this.lastIndex) return undefined;
    return (
      this.#parts.reader.inMemory(index) ?? (await this.#parts.reader.read({ first: index, last: index }, UNBOUNDED))[0]
    );
  }

  async getEntries(first: number, last: number, options: ReadOptions = {}): Promise<Entry[]> {
    checkPosition('first', first);
    checkPosition('last', last);
    checkObject('options', options);
    const { maxBytes = Number.POSITIVE_INFINITY, exact = false, signal } = options;
    if (typeof maxBytes !== 'number' || !(maxBytes >= 0))
      throw invalidArgument('maxBytes', maxBytes, 'a number of bytes');
    this.#writer.assertOpen();
    if (signal?.aborted) throw aborted(signal);
    if (first > last) return [];
    if (exact) this.#checkExact(first, last);
    const entries = await this.#parts.reader.read({ first, last }, { maxBytes, remember: true, signal });
    // What was there at the call may have been removed since; then the answer is of a later instant.
    if (exact && entries[0]?.index !== first) this.#checkExact(first, last);
    if (exact && maxBytes === Number.POSITIVE_INFINITY && entries.at(-1)?.index !== last) this.#checkExact(first, last);
    return entries;
  }

  #checkExact(first: number, last: number): void {
    if (first < this.firstIndex) throw purged(first, this.firstIndex);
    if (last <= this.lastIndex) return;
    throw new StorageError('NOT_FOUND', `Entry ${last} does not exist; the log ends at ${this.lastIndex}.`, {
      index: last,
      lastIndex: this.lastIndex,
    });
  }

  entries(range: Partial<IndexRange> = {}, options: StreamOptions = {}): AsyncIterable<Entry> {
    const { reader } = this.#parts;
    // The end, and what counts as "later", are those of this moment, not of the first read.
    const { epoch } = this.#state.cuts;
    const { firstIndex, lastIndex } = this.#state;
    const { first = firstIndex, last = MAX_INDEX } = range ?? {};
    const assertOpen = (): void => this.#writer.assertOpen();
    return {
      async *[Symbol.asyncIterator]() {
        // Here, as a refusal must come out of the stream and not of the call.
        checkObject('range', range);
        checkObject('options', options);
        checkPosition('first', first);
        checkPosition('last', last);
        const { chunkBytes = 1 } = options;
        if (typeof chunkBytes !== 'number' || !(chunkBytes >= 1))
          throw invalidArgument('chunkBytes', chunkBytes, 'a number of bytes, at least 1');
        assertOpen();
        const clipped = { first: Math.max(first, firstIndex), last: Math.min(last, lastIndex) };
        yield* reader.stream(clipped, epoch, options);
      },
    };
  }

  async termAt(index: number): Promise<number | undefined> {
    checkPosition('index', index);
    this.#assertReadable(index);
    if (index === this.#state.boundary?.index) return this.#state.boundary.term;
    return index < this.firstIndex || index > this.lastIndex ? undefined : this.#termOf(index);
  }

  #assertReadable(index: number): void {
    this.#writer.assertOpen();
    this.#parts.reader.assertReadable(index);
  }

  #termOf(index: number): number {
    const { last } = this.#state;
    if (index === last?.index && last.term !== UNKNOWN_TERM) return last.term;
    const lost = this.#state.damaged.find((range) => range.first <= index && index <= range.last);
    if (lost !== undefined && !this.#state.isRestored(lost)) {
      // Terms never fall: between two equal ones there is no other.
      const before = this.#state.before(lost.first).term;
      const behind = lost.last === last?.index ? last.term : this.#state.terms.at(lost.last + 1);
      if (before !== behind || behind === UNKNOWN_TERM) throw damaged(lost);
      return behind;
    }
    return this.#state.terms.at(index);
  }
}

const BEFORE_FIRST: LogId = { index: 0, term: 0 };
const UNBOUNDED = { maxBytes: Number.POSITIVE_INFINITY, remember: true, signal: undefined };

/** Runs what accepts or refuses a call, in the turn of the call; a refusal comes out as a rejection, never as a throw. */
function refuseAsRejection(accept: () => Promise<void>): Promise<void> {
  try {
    return accept();
  } catch (error) {
    return Promise.reject(error);
  }
}
