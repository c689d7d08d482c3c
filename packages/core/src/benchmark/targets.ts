import type { BenchmarkTarget } from './row.ts';

/** What every engine is held to, on any machine with a local disk. */
export interface BenchmarkTargets {
  /** `persistEntries` in batches of 100 and more, one call at a time. */
  readonly persist: BenchmarkTarget;
  /** 10,000 entries in one `persistEntries`. */
  readonly persistOneCall: BenchmarkTarget;
  readonly entry: BenchmarkTarget;
  /** `getEntries` of 10,000. */
  readonly getEntries: BenchmarkTarget;
  /** `purge` of 10,000. */
  readonly purge: BenchmarkTarget;
  /** `truncate` of 10,000. */
  readonly truncate: BenchmarkTarget;
  readonly reset: BenchmarkTarget;
  readonly lastIndex: BenchmarkTarget;
  /** Batches of 1,000 against a bare `write` and `fdatasync` of the same bytes. */
  readonly diskRatio: BenchmarkTarget;
  /** Resident memory over that of the idle process, however long the log. */
  readonly memory: BenchmarkTarget;
}

export const defaultTargets: BenchmarkTargets = {
  persist: { kind: 'above', value: 100_000 },
  persistOneCall: { kind: 'below', value: 1_000 },
  entry: { kind: 'below', value: 1 },
  getEntries: { kind: 'below', value: 1 },
  purge: { kind: 'below', value: 100 },
  truncate: { kind: 'below', value: 100 },
  reset: { kind: 'below', value: 1_000 },
  lastIndex: { kind: 'below', value: 0.1 },
  diskRatio: { kind: 'above', value: 0.5 },
  memory: { kind: 'below', value: 64 },
};

/** The smallest batch that `targets.persist` speaks of. */
export const smallestTargetedBatch = 100;
