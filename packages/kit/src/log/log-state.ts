import type { Entry, IndexRange, LogId } from '@raftlog/core';
import type { EntryBlock } from '../format/block.ts';
import { CutHistory } from './cut-history.ts';
import type { TermRuns } from './term-runs.ts';
import type { CommitBatch } from './writer.ts';

/** Term of the end of a log whose last entries are lost, while nothing tells it. Entries have terms from 1 on. */
export const UNKNOWN_TERM = 0;

/** An accepted block that is not committed yet; what a later truncation cut off is beyond `clip`. */
interface PendingBlock {
  readonly block: EntryBlock;
  readonly batch: CommitBatch;
  readonly clip: number;
}

/**
 * The log as its callers see it: what was accepted, committed or not. It changes at each call, in order; the disk follows.
 *
 * Indexes up to `storedLast` are answered by the store and its cache, those above by the pending blocks. A truncation that is
 * accepted but not committed lowers `storedLast`, so that what it cut is out of sight while the store still has it.
 */
export class LogState {
  boundary: LogId | undefined;
  /** The end of the log; its term is `UNKNOWN_TERM` where a salvage knows only the index. */
  last: LogId | undefined;
  storedLast: number;
  durableIndex: number;
  damaged: readonly IndexRange[];
  readonly terms: TermRuns;
  readonly cuts: CutHistory = new CutHistory();
  readonly #pending: PendingBlock[] = [];
  /** Ranges that were put back, by calls that are accepted and by those of them that are in the store. */
  readonly #restored: IndexRange[] = [];
  readonly #repaired: IndexRange[] = [];

  constructor(boundary: LogId | undefined, last: LogId | undefined, terms: TermRuns, damaged: readonly IndexRange[]) {
    this.boundary = boundary;
    this.last = last;
    this.terms = terms;
    this.damaged = damaged;
    this.storedLast = this.lastIndex;
    this.durableIndex = this.lastIndex;
  }

  get firstIndex(): number {
    return (this.boundary?.index ?? 0) + 1;
  }

  get lastIndex(): number {
    return this.last?.index ?? 0;
  }

  /**
   * Log id before `index`, which is in the log or right behind it; what an entry at `index` is checked against. In a damaged range the term is the
   * lowest that it can have.
   */
  before(index: number): LogId {
    const at = index - 1;
    if (at === this.last?.index && this.last.term !== UNKNOWN_TERM) return this.last;
    if (at === this.boundary?.index) return this.boundary;
    return { index: at, term: at === 0 ? 0 : Math.max(this.terms.at(at), this.boundary?.term ?? 0) };
  }

  /** What the next entry is checked against. */
  get end(): LogId {
    return this.before(this.lastIndex + 1);
  }

  /** Adds checked entries behind `last`, to the blocks of `batch`. */
  append(entries: readonly Entry[], batch: CommitBatch, bytes: number): void {
    let left = bytes;
    let block = batch.blocks.at(-1);
    if (block?.last !== this.lastIndex) block = undefined;
    for (const entry of entries) {
      const { index, term, kind, data } = entry;
      if (block === undefined || !block.hasRoomFor(data.length)) block = batch.startBlock(index, left, this);
      block.append(term, kind, data);
      left -= data.length;
      this.terms.append(index, term);
    }
    const last = entries.at(-1);
    if (last !== undefined) this.last = { index: last.index, term: last.term };
  }

  /** A block that `batch` has just started. */
  addPending(block: EntryBlock, batch: CommitBatch): void {
    this.#pending.push({ block, batch, clip: Number.POSITIVE_INFINITY });
  }

  /** Cuts off everything `>= from`, which is above the boundary; what `batch` itself was to put included. */
  truncate(from: number, batch: CommitBatch): void {
    this.last = from === 1 && this.boundary === undefined ? undefined : this.before(from);
    this.terms.truncate(from);
    this.#cut(from, batch);
    this.damaged = clipRanges(this.damaged, this.firstIndex, from - 1);
  }

  /** Moves the boundary up to `through`, which is above it. */
  purge(through: LogId): void {
    this.boundary = through;
    this.terms.purge(through.index);
    if (through.index > this.lastIndex) {
      this.last = through;
      this.terms.clear();
    }
    this.damaged = clipRanges(this.damaged, this.firstIndex, this.lastIndex);
  }

  /** Drops everything; the log continues after `boundary`. */
  reset(boundary: LogId | undefined, batch: CommitBatch): void {
    this.#cut(1, batch);
    this.boundary = boundary;
    this.last = boundary;
    this.terms.clear();
    this.damaged = [];
  }

  #cut(from: number, batch: CommitBatch): void {
    this.cuts.cut(from);
    this.storedLast = Math.min(this.storedLast, from - 1);
    this.durableIndex = Math.min(this.durableIndex, from - 1);
    while ((this.#pending.at(-1)?.block.first ?? 0) >= from) this.#pending.pop();
    batch.dropBlocksFrom(from);
    const tail = this.#pending.at(-1);
    if (tail === undefined || tail.block.last < from) return;
    // A block of the open batch is replaced by its head; one that is on its way to the store is only clipped: the commit that
    // cuts the store puts its head back.
    const head = tail.batch === batch ? batch.replaceTail(tail.block.head(from - 1)) : undefined;
    this.#pending[this.#pending.length - 1] =
      head === undefined ? { ...tail, clip: Math.min(tail.clip, from - 1) } : { ...tail, block: head };
  }

  /** Highest index of `batch`'s outcome that later calls have not cut off. */
  remainingOf(batch: { readonly lastIndex: number; readonly epoch: number }): number {
    return Math.min(batch.lastIndex, this.cuts.lowestSince(batch.epoch) - 1);
  }

  /** `batch` is in the store: its blocks are answered for from there. */
  committed(batch: CommitBatch): void {
    let count = 0;
    while (this.#pending[count]?.batch === batch) count++;
    this.#pending.splice(0, count);
    this.storedLast = Math.max(this.storedLast, this.remainingOf(batch));
  }

  /** The damaged `range` is to be put back with `entries`: their terms count from now on, they themselves once they are `repaired`. */
  restore(range: IndexRange, entries: readonly LogId[]): void {
    this.#restored.push(range);
    this.terms.replace(entries, this.lastIndex);
    if (range.last === this.lastIndex) this.last = entries.at(-1);
  }

  /** `range` is in the store again; a truncation or a purge since the call may have left less of it. */
  repaired(range: IndexRange): void {
    this.#repaired.push(range);
    this.damaged = this.damaged.filter((other) => !contains(range, other));
  }

  isRestored(range: IndexRange): boolean {
    return this.#restored.some((restored) => contains(restored, range));
  }

  isRepaired(range: IndexRange): boolean {
    return this.#repaired.some((repaired) => contains(repaired, range));
  }

  /** The pending block that covers `index`, and the last index up to which it answers. */
  pendingAt(index: number): { readonly block: EntryBlock; readonly last: number } | undefined {
    let low = 0;
    let high = this.#pending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { block, clip } = this.#pending[middle] as PendingBlock;
      if (Math.min(block.last, clip) >= index) high = middle;
      else low = middle + 1;
    }
    const found = this.#pending[low];
    if (found === undefined || found.block.first > index) return undefined;
    return { block: found.block, last: Math.min(found.block.last, found.clip) };
  }
}

function contains(outer: IndexRange, inner: IndexRange): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/** What of `ranges` lies within `first` to `last`. */
function clipRanges(ranges: readonly IndexRange[], first: number, last: number): readonly IndexRange[] {
  if (ranges.length === 0) return ranges;
  return ranges
    .map((range) => ({ first: Math.max(range.first, first), last: Math.min(range.last, last) }))
    .filter((range) => range.first <= range.last);
}
