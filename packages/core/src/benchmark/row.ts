import { summarize } from './statistics.ts';

/** What a figure is held against. `above`: at least the value; `below`: less than it. */
export interface BenchmarkTarget {
  readonly kind: 'above' | 'below';
  readonly value: number;
}

export type BenchmarkUnit = 'entries/s' | 'ms' | 'MiB' | 'ratio';

/** One measured figure. */
export interface BenchmarkRow {
  /** What was measured, with its sizes. */
  readonly name: string;
  readonly unit: BenchmarkUnit;
  /** The median of the samples. */
  readonly measured: number;
  /** The lowest and the highest sample. */
  readonly low: number;
  readonly high: number;
  readonly samples: number;
  /** `undefined`: nothing is demanded of this figure. */
  readonly target: BenchmarkTarget | undefined;
  /** `undefined` where there is no target. */
  readonly pass: boolean | undefined;
}

/** Something that was not measured, and why. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/** What one part of the benchmark found. */
export interface SectionResult {
  readonly rows: readonly BenchmarkRow[];
  readonly leftOut: readonly LeftOut[];
}

function meets(measured: number, target: BenchmarkTarget): boolean {
  return target.kind === 'above' ? measured >= target.value : measured < target.value;
}

/** The row for `samples`, of which there is at least one. */
export function row(
  name: string,
  unit: BenchmarkUnit,
  samples: readonly number[],
  target?: BenchmarkTarget,
): BenchmarkRow {
  const { median, low, high } = summarize(samples);
  return {
    name,
    unit,
    measured: median,
    low,
    high,
    samples: samples.length,
    target,
    pass: target === undefined ? undefined : meets(median, target),
  };
}
