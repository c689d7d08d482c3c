import { type Entry, encodedEntryBytes, type IndexRange, StorageError, type StreamOptions } from '@raftlog/core';
import type { Diagnostics } from '../diagnostics.ts';
import type { EntryBlock } from '../format/block.ts';
import type { LogState } from './log-state.ts';
import { damaged, type StoredBlocks } from './stored-blocks.ts';
import { poisoned, type Writer } from './writer.ts';

// Decoding this many entries takes about a millisecond: after it the event loop gets its turn.
const ENTRIES_PER_TURN = 10_000;
// A reader that was overtaken this often waits for its turn in the queue of the writer.
const OPTIMISTIC_ATTEMPTS = 3;
const STREAM_CHUNK_BYTES = 256 * 1024;

/** A part of the log was cut off or purged while it was being read: to be read again. */
const OVERTAKEN: unique symbol = Symbol('overtaken');

/** A block, and the last index up to which it answers. */
interface FoundBlock {
  readonly block: EntryBlock;
  readonly last: number;
}

interface Bounds {
  readonly maxBytes: number;
  /** Keep what is read from the store: false for a stream, which would push out everything else and is not read again. */
  readonly remember: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Reads entries: pending ones and cached ones from memory, others from the store; always the log of one instant. */
export class LogReader {
  readonly #state: LogState;
  readonly #blocks: StoredBlocks;
  readonly #writer: Writer;
  readonly #diagnostics: Diagnostics;
  #reading = 0;
  #onIdle: () => void = () => {};

  constructor(state: LogState, blocks: StoredBlocks, writer: Writer, diagnostics: Diagnostics) {
    this.#state = state;
    this.#blocks = blocks;
    this.#writer = writer;
    this.#diagnostics = diagnostics;
  }

  /** The entry, which is in the log if memory has it; `undefined` if the store must be asked. */
  inMemory(index: number): Entry | undefined {
    if (this.#isDamaged(index)) return undefined;
    return this.#find(index)?.block.at(index);
  }

  /** What `range` has in common with the log now. Throws where that can't be read after a failure. */
  clip(range: IndexRange): IndexRange {
    const clipped = {
      first: Math.max(range.first, this.#state.firstIndex),
      last: Math.min(range.last, this.#state.lastIndex),
    };
    if (clipped.first <= clipped.last) this.assertReadable(clipped.last);
    return clipped;
  }

  /** What was accepted but never became durable can't be vouched for once the engine is poisoned. */
  assertReadable(index: number): void {
    const failure = this.#writer.failed;
    if (failure !== undefined && index > this.#state.durableIndex) throw poisoned(failure);
  }

  /** The entries of `range` as far as the log has them, of one instant. */
  async read(range: IndexRange, bounds: Bounds): Promise<Entry[]> {
    this.#reading++;
    try {
      for (let attempt = 0; ; attempt++) {
        const result =
          attempt < OPTIMISTIC_ATTEMPTS
            ? await this.#attempt(range, bounds, true)
            : await this.#writer.exclusive(() => this.#attempt(range, bounds, false));
        if (result !== OVERTAKEN) return result;
        // Queued behind the writer, no commit overlaps; what is accepted meanwhile may still overtake, and each time is a truncation more.
      }
    } finally {
      this.#reading--;
      if (this.#reading === 0) this.#onIdle();
    }
  }

  /** Resolves when no read is under way, between two pieces of it included: the store may be closed, if no new one is let in. */
  async idle(): Promise<void> {
    if (this.#reading === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async #attempt(range: IndexRange, bounds: Bounds, optimistic: boolean): Promise<Entry[] | typeof OVERTAKEN> {
    // Range and epoch are of the same moment: the one instant that the answer is for.
    const { first, last } = this.clip(range);
    const { epoch } = this.#state.cuts;
    const overtaken = (): boolean => this.#state.firstIndex > first || this.#state.cuts.lowestSince(epoch) <= last;
    const result: Entry[] = [];
    let bytesLeft = bounds.maxBytes;
    let turn = ENTRIES_PER_TURN;
    let index = first;
    let ahead: readonly FoundBlock[] = [];
    while (index <= last) {
      const lost = this.#state.damaged.find((range) => range.first <= last && range.last >= index);
      if (lost !== undefined && lost.first <= index) throw damaged(lost);
      let found = this.#find(index) ?? coveringOf(ahead, index);
      if (found === undefined) {
        // Up to the next cached block only: what is in memory is not read again.
        const end = Math.min(
          last,
          this.#state.storedLast,
          this.#blocks.cache.nextAbove(index) - 1,
          (lost?.first ?? Number.POSITIVE_INFINITY) - 1,
        );
        if (end < index) throw damaged({ first: index, last: index });
        ahead = await this.#load(index, end, bytesLeft, bounds.remember);
        if (bounds.signal?.aborted) throw aborted(bounds.signal);
        if (overtaken()) return OVERTAKEN;
        found = coveringOf(ahead, index);
        if (found === undefined) {
          // A commit that removes blocks may hide some for a moment; without one there is a hole.
          if (optimistic) return OVERTAKEN;
          throw damaged({ first: index, last: end });
        }
      }
      const { block } = found;
      const until = Math.min(last, found.last, index + turn - 1);
      const entries =
        bytesLeft === Number.POSITIVE_INFINITY ? block.slice(index, until) : fitting(block, index, until, bytesLeft);
      this.#blocks.cache.used(block);
      if (bytesLeft === Number.POSITIVE_INFINITY) {
        for (const entry of entries) result.push(entry);
      } else {
        for (const entry of entries) {
          const size = encodedEntryBytes(entry);
          if (size > bytesLeft && result.length > 0) return result;
          result.push(entry);
          bytesLeft -= size;
          if (bytesLeft <= 0) return result;
        }
      }
      index = (result.at(-1)?.index ?? index) + 1;
      turn -= entries.length;
      if (turn <= 0 && index <= last) {
        turn = ENTRIES_PER_TURN;
        await new Promise(setImmediate);
        if (bounds.signal?.aborted) throw aborted(bounds.signal);
        if (overtaken()) return OVERTAKEN;
      }
    }
    return result;
  }

  /** The block in memory that answers for `index` now, and how far. */
  #find(index: number): FoundBlock | undefined {
    const { storedLast } = this.#state;
    if (index > storedLast) return this.#state.pendingAt(index);
    const block = this.#blocks.cache.find(index);
    return block && { block, last: Math.min(block.last, storedLast) };
  }

  #isDamaged(index: number): boolean {
    return this.#state.damaged.some((range) => range.first <= index && index <= range.last);
  }

  /** Reads blocks from the one that covers `first` on. */
  async #load(first: number, last: number, maxBytes: number, remember: boolean): Promise<FoundBlock[]> {
    const { epoch } = this.#state.cuts;
    const { storedLast } = this.#state;
    const started = this.#diagnostics.start('read');
    const blocks = await this.#blocks.read(first, last, Math.max(1, maxBytes));
    this.#diagnostics.publish('read', started, { first, last, blocks: blocks.length });
    // A block that a truncation, accepted before or since, goes through must not be remembered: it would answer again for what was
    // cut off as soon as the log has grown past it.
    if (remember && this.#state.cuts.epoch === epoch) {
      for (const block of blocks) {
        if (block.last <= storedLast && block.last >= this.#state.firstIndex) this.#blocks.cache.add(block);
      }
    }
    return blocks.map((found) => ({ block: found, last: Math.min(found.last, last) }));
  }

  /** Streams `range`, whose end stays what it is now. */
  async *stream(range: IndexRange, epoch: number, options: StreamOptions): AsyncGenerator<Entry, void, undefined> {
    const { chunkBytes = STREAM_CHUNK_BYTES, signal } = options;
    let next = range.first;
    while (next <= range.last) {
      if (signal?.aborted) throw aborted(signal);
      this.#writer.assertOpen();
      if (this.#state.firstIndex > next) throw purged(next, this.#state.firstIndex);
      // What a later call cut off is not read: behind the cut stands another history.
      const end = Math.min(range.last, this.#state.cuts.lowestSince(epoch) - 1);
      if (next > end) throw truncated(next, end);
      const chunk = await this.read({ first: next, last: end }, { maxBytes: chunkBytes, remember: false, signal });
      for (const entry of chunk) {
        if (entry.index !== next) break;
        if (signal?.aborted) throw aborted(signal);
        if (this.#state.cuts.lowestSince(epoch) <= next) throw truncated(next, next - 1);
        if (this.#state.firstIndex > next) throw purged(next, this.#state.firstIndex);
        next++;
        yield entry;
      }
    }
  }
}

/** Of ascending blocks the one that covers `index`. By halves: a read of thousands of one-entry blocks asks thousands of times. */
function coveringOf(blocks: readonly FoundBlock[], index: number): FoundBlock | undefined {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((blocks[middle]?.last ?? 0) < index) low = middle + 1;
    else high = middle;
  }
  const found = blocks[low];
  return found !== undefined && found.block.first <= index ? found : undefined;
}

/** The entries `from` to `to` of a block, but not many more than `bytes` hold: what is not returned need not be decoded. */
function fitting(block: EntryBlock, from: number, to: number, bytes: number): readonly Entry[] {
  const entries: Entry[] = [];
  let left = bytes;
  for (let index = from; index <= to && (left > 0 || entries.length === 0); index++) {
    const entry = block.slice(index, index)[0] as Entry;
    entries.push(entry);
    left -= encodedEntryBytes(entry);
  }
  return entries;
}

export function aborted(signal: AbortSignal): StorageError<'ABORTED'> {
  return new StorageError('ABORTED', 'The read was aborted by its signal.', {}, { cause: signal.reason });
}

export function purged(index: number, firstIndex: number): StorageError<'PURGED'> {
  return new StorageError(
    'PURGED',
    `Entry ${index} was purged; the log starts at ${firstIndex}. Send a snapshot instead.`,
    { index, firstIndex },
  );
}

function truncated(index: number, lastIndex: number): StorageError<'TRUNCATED'> {
  return new StorageError(
    'TRUNCATED',
    `Entry ${index} was cut off while the stream was read. Start again from the log as it is now.`,
    { index, lastIndex },
  );
}
