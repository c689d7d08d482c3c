import type { Entry, IndexRange, LogId } from './entry.ts';

/** Options of {@link LogStore.getEntries}. */
export interface ReadOptions {
  /**
   * Stop before the result would hold more than this many encoded bytes (see {@link encodedEntryBytes}). The first
   * entry of the range always comes through, however large: a follower that lags behind one huge entry must get it.
   */
  readonly maxBytes?: number;
  /** Reject with `PURGED` or `NOT_FOUND` where the range reaches beyond the log, instead of clipping it. Default: false. */
  readonly exact?: boolean;
  /** Reject with `ABORTED` when it fires. */
  readonly signal?: AbortSignal;
}

/** Options of {@link LogStore.entries}. */
export interface StreamOptions {
  /** Encoded bytes to read at a time: the bound on the memory that the stream holds. Default: 256 KiB. */
  readonly chunkBytes?: number;
  /** End the stream with `ABORTED` when it fires. */
  readonly signal?: AbortSignal;
}

/**
 * The log of one Raft node: entries with contiguous indexes `firstIndex` to `lastIndex`.
 *
 * **Order.** Calls take effect in the order in which they are made, awaited or not, together with those of the
 * {@link MetaStore}. A call is accepted or refused at once, although its promise tells later; an accepted entry can be
 * read at once, so that a leader replicates it while its own disk works. No method throws synchronously.
 *
 * **Durability.** Every write of a store that is not volatile is durable when its promise resolves. In `buffered` mode entries that are only
 * appended are not, by `persistEntries` or by a `write` without `truncateFrom`: `flush()` makes them so. A call that changes nothing
 * at all may resolve at once.
 *
 * **Input** is copied before the call returns; the caller may reuse its buffers.
 *
 * **Failure.** A failed write or sync poisons the whole engine: that call and every later write, flush and read above
 * `durableIndex` reject with `STORE_FAILED`. Whether the failed write is there is open until the engine is opened
 * again, which shows a prefix of what was issued.
 */
export interface LogStore {
  /** Index of the first entry that can be read: the purge boundary's + 1, or 1. O(1). */
  readonly firstIndex: number;
  /** Index of the last accepted entry; of an empty log the purge boundary's, or 0. O(1). */
  readonly lastIndex: number;
  /**
   * The last accepted entry's index and term; of an empty log the purge boundary; of a new one `undefined`. Where a salvage could not tell the
   * term, the lowest that it can be. O(1).
   */
  readonly lastLogId: LogId | undefined;
  /**
   * Highest index that survives a power cut. Only this, never `lastIndex`, may be acknowledged to a leader or counted
   * by one. Rises only when a commit is durable, to the boundary at least when a purge or reset resolves, and not before; falls at the
   * call of `truncate`, `replaceRange` and `reset`. Of a volatile store always 0. O(1).
   */
  readonly durableIndex: number;
  /** The last index and term that were purged or replaced by a snapshot; kept for the consistency check of AppendEntries. */
  readonly purgeBoundary: LogId | undefined;
  /** True: a resolved `persistEntries` survives a power cut without `flush()`. */
  readonly isWriteDurable: boolean;
  /**
   * Ranges that could not be read, or not be vouched for, when the engine was opened with `onCorruption: 'salvage'`; ascending. Otherwise empty or
   * absent. Until none is left, the node neither votes nor leads: it gets them from its peers and puts them back with `repair`, cuts them off, or is
   * reset from a snapshot.
   */
  readonly damagedRanges?: readonly IndexRange[];

  /**
   * Appends `entries` after `lastIndex`: all of them or none. `[]` does nothing, and waits for nothing.
   *
   * Rejects before anything is written with `NON_CONTIGUOUS`, `TERM_REGRESSION`, `INVALID_ARGUMENT`, `TOO_LARGE`,
   * `BUSY`, `CLOSED`; with `STORE_FAILED` when the store fails (its `cause` is `NO_SPACE` where the device is full).
   *
   * @example
   * ```ts
   * await log.persistEntries([{ index: log.lastIndex + 1, term: 3, kind: 'command', data }]);
   * ```
   */
  persistEntries(entries: readonly Entry[]): Promise<void>;

  /** The entry at `index`, or `undefined` below `firstIndex` and past `lastIndex`. */
  entry(index: number): Promise<Entry | undefined>;

  /**
   * The entries `first` to `last`, both inclusive, ascending. The range is clipped to what exists; an inverted one is
   * empty; any safe integer from 0 on may be asked for. The answer is the log of one instant between the call and its resolution, never a mix of two.
   */
  getEntries(first: number, last: number, options?: ReadOptions): Promise<Entry[]>;

  /**
   * Streams a range in bounded memory. The default is the whole log; the end is fixed when the stream is made.
   * Throws `TRUNCATED` or `PURGED` if a later call removes what it still has to deliver, read ahead or not.
   */
  entries(range?: Partial<IndexRange>, options?: StreamOptions): AsyncIterable<Entry>;

  /** Term of the entry at `index`, or of the purge boundary; otherwise `undefined`. */
  termAt(index: number): Promise<number | undefined>;

  /**
   * Removes every entry with an index `<= through.index` and makes `through` the purge boundary. Below the boundary, or with
   * index 0, whatever its term: does nothing. Past the end: the log is empty and continues after `through`. Resolves when the boundary is durable;
   * the space comes back in the background.
   *
   * Rejects with `LOG_ID_MISMATCH` if the log or the boundary has another term at `through.index`;
   * with `TERM_REGRESSION` if `through` lies past the end with a term below the last one.
   */
  purge(through: LogId): Promise<void>;

  /**
   * Removes every entry with an index `>= fromIndex`. Past the end: does nothing. At or below the boundary: `PURGED`.
   * What was cut off never returns.
   */
  truncate(fromIndex: number): Promise<void>;

  /**
   * `truncate(fromIndex)` and `persistEntries(entries)` in one atomic step: after a crash the old suffix or the new one.
   * What a follower does with a conflict (Raft paper, section 5.3). `entries`, if any, start at `fromIndex`,
   * which is at most `lastIndex + 1`; without any it is `truncate`.
   */
  replaceRange(fromIndex: number, entries: readonly Entry[]): Promise<void>;

  /** Resolves when everything accepted before the call is durable. Of a volatile store: when it is applied. */
  flush(): Promise<void>;

  /**
   * Drops the whole log and its boundary; with `boundary` the log continues after it, as after the install of a
   * snapshot from another history. Hard state and snapshots stay.
   */
  reset(boundary?: LogId): Promise<void>;

  /**
   * Fills a damaged range after a salvage: `entries` are exactly one of `damagedRanges`, with terms that fit their
   * neighbours. Atomic. Otherwise `INVALID_ARGUMENT` or `TERM_REGRESSION`; absent or `UNSUPPORTED` where salvage isn't offered.
   */
  repair?(entries: readonly Entry[]): Promise<void>;
}

/** Size of an entry as `maxBytes` and `chunkBytes` count it: its data and 12 bytes for term, kind and length. The same for every adaptor. */
export function encodedEntryBytes(entry: Entry): number {
  return entry.data.byteLength + 12;
}
