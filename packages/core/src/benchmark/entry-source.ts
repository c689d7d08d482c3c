import { randomFillSync } from 'node:crypto';
import type { Entry } from '../entry.ts';
import type { LogStore } from '../log-store.ts';

const poolBytes = 1 << 20;
/** A call that fills a log carries at most this much, far below what an engine lets wait. */
const fillCallBytes = 2 << 20;

/** Makes entries of one size whose bytes don't compress. All have term 1. */
export class EntrySource {
  readonly payloadBytes: number;
  readonly #pool: Uint8Array;
  #offset = 0;

  constructor(payloadBytes: number) {
    this.payloadBytes = payloadBytes;
    this.#pool = randomFillSync(new Uint8Array(poolBytes + payloadBytes));
  }

  batch(first: number, count: number): Entry[] {
    return Array.from({ length: count }, (_, i) => this.#entry(first + i));
  }

  /** `count` batches of `size`, the first one starting at `first`: made before the clock starts. */
  batches(first: number, size: number, count: number): Entry[][] {
    return Array.from({ length: count }, (_, i) => this.batch(first + i * size, size));
  }

  /** Appends `count` entries to the log in large calls, one after the other. */
  async fill(log: LogStore, count: number): Promise<void> {
    const perCall = Math.min(10_000, Math.max(1, Math.floor(fillCallBytes / (this.payloadBytes + 16))));
    for (let left = count; left > 0; ) {
      const size = Math.min(left, perCall);
      await log.persistEntries(this.batch(log.lastIndex + 1, size));
      left -= size;
    }
  }

  /** Entries that the caller may give new indexes and write again, so that a long run makes next to no garbage of its own. */
  reusableBatch(count: number): { -readonly [Key in keyof Entry]: Entry[Key] }[] {
    return this.batch(1, count);
  }

  #entry(index: number): Entry {
    this.#offset = (this.#offset + this.payloadBytes + 7) % poolBytes;
    return {
      index,
      term: 1,
      kind: 'command',
      data: this.#pool.subarray(this.#offset, this.#offset + this.payloadBytes),
    };
  }
}
