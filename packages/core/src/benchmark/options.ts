import { type BenchmarkTargets, defaultTargets } from './targets.ts';

/** A range is read into memory in one piece. */
const mostRangeBytes = 1 << 30;

/** Sizes of the benchmark. The targets are meant for the defaults; smaller sizes are for trying things out. */
export interface BenchmarkOptions {
  /** `data` of each entry. Default: 256 bytes, random. */
  readonly payloadBytes?: number | undefined;
  /** Entries per `persistEntries`. Default: 1, 10, 100, 1,000 and 10,000. */
  readonly batchSizes?: readonly number[] | undefined;
  /** Concurrent callers that persist one entry at a time. Default: 64. */
  readonly callers?: number | undefined;
  /** Measured rounds of each figure, after one that warms up; the median counts. Default: 5. */
  readonly rounds?: number | undefined;
  /** Entries that a round of persisting writes at most; a round has at most 2,000 calls. Default: 100,000. */
  readonly roundEntries?: number | undefined;
  /** Length of the range that is read, purged and truncated. Default: 10,000. */
  readonly rangeEntries?: number | undefined;
  /** Length of the log that `reset` drops. Default: 100,000. */
  readonly resetEntries?: number | undefined;
  /** Length of the log that is reopened, and of the one that memory is measured with. Default: 1,000,000. */
  readonly logEntries?: number | undefined;
  /** Entries written while the event loop is watched. Default: 500,000. */
  readonly stallEntries?: number | undefined;
  /** Replaces single targets. */
  readonly targets?: Partial<BenchmarkTargets>;
  /** Told what is measured next. */
  readonly onProgress?: (what: string) => void;
}

/** {@link BenchmarkOptions} with the defaults filled in and checked. */
export interface BenchmarkSizes {
  readonly payloadBytes: number;
  readonly batchSizes: readonly number[];
  readonly callers: number;
  readonly rounds: number;
  readonly roundEntries: number;
  readonly rangeEntries: number;
  readonly resetEntries: number;
  readonly logEntries: number;
  readonly stallEntries: number;
}

export function benchmarkSizes(options: BenchmarkOptions): BenchmarkSizes {
  const batchSizes = options.batchSizes ?? [1, 10, 100, 1_000, 10_000];
  for (const size of batchSizes) checkCount('batchSizes', size);
  const payloadBytes = checkCount('payloadBytes', options.payloadBytes ?? 256, 0);
  const rangeEntries = checkCount('rangeEntries', options.rangeEntries ?? 10_000);
  if (payloadBytes * rangeEntries > mostRangeBytes) {
    throw new RangeError(`rangeEntries of ${payloadBytes} bytes are read at once: choose fewer than ${rangeEntries}.`);
  }
  return {
    payloadBytes,
    batchSizes,
    callers: checkCount('callers', options.callers ?? 64),
    rounds: checkCount('rounds', options.rounds ?? 5),
    roundEntries: checkCount('roundEntries', options.roundEntries ?? 100_000),
    rangeEntries,
    resetEntries: checkCount('resetEntries', options.resetEntries ?? 100_000),
    logEntries: checkCount('logEntries', options.logEntries ?? 1_000_000),
    stallEntries: checkCount('stallEntries', options.stallEntries ?? 500_000),
  };
}

export function benchmarkTargets(options: BenchmarkOptions): BenchmarkTargets {
  return { ...defaultTargets, ...options.targets };
}

/** `value`, if it is a whole number of at least `least`; otherwise a `RangeError` that names the option. */
export function checkCount(name: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`${name} must be a whole number of at least ${least}, but is ${value}.`);
}
