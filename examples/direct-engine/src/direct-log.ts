import {
  type Entry,
  encodedEntryBytes,
  type IndexRange,
  type LogId,
  type LogStore,
  type ReadOptions,
  StorageError,
  type StreamOptions,
} from '@raftlog/core';
import {
  checkIndex,
  checkInteger,
  checkLogId,
  checkObject,
  checkReadIndex,
  checkSuccession,
  copyEntries,
  invalid,
  nonContiguous,
  termRegression,
} from './arguments.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Journal } from './journal.ts';
import type { LogChange, LogState } from './log-state.ts';

export interface LogLimits {
  readonly maxEntryBytes: number;
  readonly maxPendingBytes: number;
}

/** A change that was accepted and is not yet durable. */
interface Pending {
  /** What `durableIndex` rises to with it; lowered when a later call cuts below. */
  durableAfter: number;
}

/**
 * The log store. It holds the log twice: `#accepted`, what was accepted, answers every read; the journal's, what is on
 * the disk, follows with each commit.
 *
 * Every write has the same two steps. `plan` checks the call against the accepted log and throws if it is refused;
 * `accept` changes the accepted log and answers with the work that makes the change durable. Both run before the call
 * returns, hence the order of the calls is the order of everything.
 */
export class DirectLog implements LogStore {
  readonly isWriteDurable = true;
  readonly #journal: Journal;
  readonly #queue: CommitQueue;
  readonly #limits: LogLimits;
  readonly #accepted: LogState;
  readonly #pending = new Set<Pending>();
  #pendingBytes = 0;
  #durable: number;

  constructor(journal: Journal, queue: CommitQueue, limits: LogLimits) {
    this.#journal = journal;
    this.#queue = queue;
    this.#limits = limits;
    this.#accepted = journal.state.clone();
    this.#durable = this.#accepted.lastIndex;
  }

  get firstIndex(): number {
    return this.#accepted.firstIndex;
  }

  get lastIndex(): number {
    return this.#accepted.lastIndex;
  }

  get lastLogId(): LogId | undefined {
    return copy(this.#accepted.lastLogId);
  }

  get durableIndex(): number {
    return this.#durable;
  }

  get purgeBoundary(): LogId | undefined {
    return copy(this.#accepted.boundary);
  }

  async persistEntries(entries: readonly Entry[]): Promise<void> {
    this.#queue.checkWritable();
    const change = this.planReplace(undefined, entries);
    if (change) await this.#queue.commit('persistEntries', this.accept(change));
  }

  async truncate(fromIndex: number): Promise<void> {
    this.#queue.checkWritable();
    await this.#commit('truncate', this.planReplace(checkIndex('fromIndex', fromIndex), []));
  }

  async replaceRange(fromIndex: number, entries: readonly Entry[]): Promise<void> {
    this.#queue.checkWritable();
    await this.#commit('replaceRange', this.planReplace(checkIndex('fromIndex', fromIndex), entries));
  }

  async purge(through: LogId): Promise<void> {
    this.#queue.checkWritable();
    await this.#commit('purge', this.#planPurge(checkLogId('through', through, 0)));
  }

  async reset(boundary?: LogId): Promise<void> {
    this.#queue.checkWritable();
    const after = boundary === undefined ? undefined : checkLogId('boundary', boundary, 1);
    await this.#commit('reset', { type: 'reset', boundary: after });
  }

  async flush(): Promise<void> {
    this.#queue.checkWritable();
    await this.#queue.drained('flush');
  }

  async entry(index: number): Promise<Entry | undefined> {
    this.#checkReadable(checkReadIndex('index', index));
    return this.#accepted.entry(index);
  }

  async termAt(index: number): Promise<number | undefined> {
    this.#checkReadable(checkReadIndex('index', index));
    return this.#accepted.termAt(index);
  }

  async getEntries(first: number, last: number, options: ReadOptions = {}): Promise<Entry[]> {
    checkReadIndex('first', first);
    checkReadIndex('last', last);
    checkObject('options', options);
    const { maxBytes = Number.POSITIVE_INFINITY, exact = false, signal } = options;
    if (typeof maxBytes !== 'number' || !(maxBytes >= 0)) throw invalid('maxBytes', maxBytes, 'a number of bytes');
    const { firstIndex, lastIndex } = this.#accepted;
    const from = Math.max(first, firstIndex);
    const to = Math.min(last, lastIndex);
    this.#checkReadable(to);
    checkNotAborted(signal);
    if (exact && first <= last) {
      if (first < firstIndex) throw purged(first, firstIndex);
      if (last > lastIndex) throw notFound(Math.max(first, lastIndex + 1), lastIndex);
    }
    return from > to ? [] : upTo(maxBytes, this.#accepted.range(from, to));
  }

  entries(range: Partial<IndexRange> = {}, options: StreamOptions = {}): AsyncIterable<Entry> {
    // Taken now, not at the first `next()`: the end is fixed when the stream is made. What is wrong with it the stream tells, not the call.
    const { first = 0, last = Number.MAX_SAFE_INTEGER } = range ?? {};
    const { firstIndex, lastIndex } = this.#accepted;
    const end = Number.isSafeInteger(last) ? Math.min(last, lastIndex) : lastIndex;
    const lastEntry = this.#accepted.entry(end);
    const check = (): number => {
      this.#queue.checkOpen();
      checkObject('range', range);
      checkObject('options', options);
      checkReadIndex('range.last', last);
      return Math.max(checkReadIndex('range.first', first), firstIndex);
    };
    return this.#stream(check, end, lastEntry, options);
  }

  async *#stream(
    check: () => number,
    last: number,
    lastEntry: Entry | undefined,
    options: StreamOptions,
  ): AsyncGenerator<Entry> {
    const first = check();
    const { chunkBytes, signal } = options;
    // Checked, but there is nothing to chunk: the log is in memory.
    if (chunkBytes !== undefined) checkInteger('chunkBytes', chunkBytes, 1, Number.MAX_SAFE_INTEGER);
    checkNotAborted(signal);
    for (let next = first; next <= last; next++) {
      this.#checkReadable(next);
      checkNotAborted(signal);
      if (next < this.firstIndex) throw purged(next, this.firstIndex);
      // Whatever cuts into the rest of the range takes its last entry along. What may stand there now is another one.
      const entry = this.#accepted.entry(last) === lastEntry ? this.#accepted.entry(next) : undefined;
      if (!entry) {
        const message = `The log was truncated below ${last} while it was read. Read it again from ${next} on.`;
        throw new StorageError('TRUNCATED', message, { index: next, lastIndex: this.lastIndex });
      }
      yield entry;
    }
  }

  /** What the call would change, or `undefined` if nothing. Throws if it is refused. */
  planReplace(truncateFrom: number | undefined, entries: readonly Entry[]): LogChange | undefined {
    const copies = copyEntries(entries, this.#limits.maxEntryBytes);
    const { firstIndex, lastIndex } = this.#accepted;
    if (truncateFrom !== undefined) {
      if (truncateFrom < firstIndex) throw purged(truncateFrom, firstIndex);
      if (truncateFrom > lastIndex + 1 && copies.length > 0) throw nonContiguous(lastIndex + 1, truncateFrom);
    }
    const from = Math.min(truncateFrom ?? Number.POSITIVE_INFINITY, lastIndex + 1);
    if (copies.length === 0 && from > lastIndex) return undefined;
    checkSuccession(copies, from, this.#accepted.termAt(from - 1) ?? 0);
    const change: LogChange = { type: 'replace', from, entries: copies };
    this.#checkBackpressure(encodedBytes(change));
    return change;
  }

  #planPurge(through: LogId): LogChange | undefined {
    const { boundary, lastLogId } = this.#accepted;
    if (through.index < (boundary?.index ?? 1)) return undefined;
    const term = this.#accepted.termAt(through.index);
    if (term !== undefined && term !== through.term) {
      const actual = { index: through.index, term };
      const message = `The log has term ${term} at ${through.index}, not ${through.term}: the snapshot is of another history. Reset the log to it.`;
      throw new StorageError('LOG_ID_MISMATCH', message, { expected: through, actual });
    }
    if (lastLogId && through.index > lastLogId.index && through.term < lastLogId.term) {
      throw termRegression(lastLogId.term, through.term);
    }
    return through.index === boundary?.index ? undefined : { type: 'purge', through };
  }

  accept(change: LogChange): () => Promise<void> {
    if (change.type === 'reset') this.#cutAfter(0);
    else if (change.type === 'replace' && change.from <= this.lastIndex) this.#cutAfter(change.from - 1);
    this.#accepted.apply(change);
    const bytes = encodedBytes(change);
    const pending: Pending = { durableAfter: this.lastIndex };
    this.#pending.add(pending);
    this.#pendingBytes += bytes;
    return async () => {
      await this.#journal.append(change);
      this.#pending.delete(pending);
      this.#pendingBytes -= bytes;
      this.#durable = Math.max(this.#durable, pending.durableAfter);
    };
  }

  /** A call without an effect still resolves only when what it relies on is durable. */
  #commit(operation: string, change: LogChange | undefined): Promise<void> {
    return change ? this.#queue.commit(operation, this.accept(change)) : this.#queue.drained(operation);
  }

  #cutAfter(index: number): void {
    this.#durable = Math.min(this.#durable, index);
    for (const pending of this.#pending) pending.durableAfter = Math.min(pending.durableAfter, index);
  }

  #checkBackpressure(bytes: number): void {
    const limit = this.#limits.maxPendingBytes;
    // Alone, even a batch beyond the limit must pass: otherwise it never could.
    if (this.#pendingBytes === 0 || this.#pendingBytes + bytes <= limit) return;
    const message = `${this.#pendingBytes} bytes wait for the disk. Try again when an earlier call has resolved.`;
    throw new StorageError('BUSY', message, { pendingBytes: this.#pendingBytes, limit });
  }

  /** After a failure only what is known to be on the disk may be served. */
  #checkReadable(index: number): void {
    this.#queue.checkOpen();
    if (index > this.durableIndex) this.#queue.failure.throwIfAborted();
  }
}

function encodedBytes(change: LogChange): number {
  if (change.type !== 'replace') return 0;
  return change.entries.reduce((sum, entry) => sum + encodedEntryBytes(entry), 0);
}

function upTo(maxBytes: number, entries: Entry[]): Entry[] {
  let bytes = 0;
  const end = entries.findIndex((entry, n) => {
    bytes += encodedEntryBytes(entry);
    return bytes > maxBytes && n > 0;
  });
  return end === -1 ? entries : entries.slice(0, end);
}

function copy(logId: LogId | undefined): LogId | undefined {
  return logId && { index: logId.index, term: logId.term };
}

function checkNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new StorageError('ABORTED', 'The read was aborted by its signal.', {}, { cause: signal.reason });
  }
}

function purged(index: number, firstIndex: number): StorageError<'PURGED'> {
  const message = `Entry ${index} was purged, the log starts at ${firstIndex}. Use the snapshot.`;
  return new StorageError('PURGED', message, { index, firstIndex });
}

function notFound(index: number, lastIndex: number): StorageError<'NOT_FOUND'> {
  const message = `There is no entry ${index}, the log ends at ${lastIndex}. Ask for less, or without exact.`;
  return new StorageError('NOT_FOUND', message, { index, lastIndex });
}
