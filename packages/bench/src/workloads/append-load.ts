import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Entry } from '@raftlog/core';
import { EntrySource, perSecond } from '@raftlog/core/benchmark';

/** Whatever takes batches of entries and makes them durable. */
export type Append = (batch: readonly Entry[]) => Promise<void> | void;

/** How much a turn does at most, whichever comes first. */
export interface TurnLimit {
  readonly ms: number;
  readonly entries: number;
}

type ReusableBatch = ReturnType<EntrySource['reusableBatch']>;

/**
 * Callers that append as fast as they are answered. Each has one batch, whose entries get new indexes: making thousands ahead
 * would leave their memory to be collected while others are measured.
 */
export class AppendLoad {
  readonly #append: Append;
  readonly #batches: readonly ReusableBatch[];
  readonly #size: number;
  #nextIndex: number;
  #entries = 0;
  #ms = 0;
  #latency: RecordableHistogram = createHistogram();

  constructor(append: Append, shape: { batch: number; payload: number; callers: number }, firstIndex = 1) {
    const source = new EntrySource(shape.payload);
    this.#append = append;
    this.#size = shape.batch;
    this.#batches = Array.from({ length: shape.callers }, () => source.reusableBatch(shape.batch));
    this.#nextIndex = firstIndex;
  }

  /** All callers until the limit is met; resolves when every call has been answered. */
  async turn({ ms, entries }: TurnLimit): Promise<void> {
    const start = performance.now();
    const lastIndex = this.#nextIndex + entries - 1;
    const before = this.#nextIndex;
    await Promise.all(this.#batches.map((batch) => this.#caller(batch, start + ms, lastIndex)));
    this.#ms += performance.now() - start;
    this.#entries += this.#nextIndex - before;
  }

  async #caller(batch: ReusableBatch, end: number, lastIndex: number): Promise<void> {
    let now = performance.now();
    do {
      // Taking the indexes and calling is one step, so that they stay in order over all callers.
      for (const entry of batch) entry.index = this.#nextIndex++;
      await this.#append(batch);
      const done = performance.now();
      this.#latency.record(Math.max(1, Math.round((done - now) * 1e6)));
      now = done;
    } while (now < end && this.#nextIndex + this.#size - 1 <= lastIndex);
  }

  /** Time that the turns have taken. */
  get ms(): number {
    return this.#ms;
  }

  /** Forgets what was measured: it was the warm-up. */
  restart(): void {
    this.#ms = 0;
    this.#entries = 0;
    this.#latency = createHistogram();
  }

  figures(): Record<string, number> {
    const ms = (nanoseconds: number): number => nanoseconds / 1e6;
    return {
      entriesPerSecond: perSecond(this.#entries, this.#ms),
      p50Ms: ms(this.#latency.percentile(50)),
      p99Ms: ms(this.#latency.percentile(99)),
      p999Ms: ms(this.#latency.percentile(99.9)),
      maxMs: ms(this.#latency.max),
      calls: this.#latency.count,
    };
  }
}
