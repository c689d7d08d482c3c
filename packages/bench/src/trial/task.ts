import type { BenchmarkRow } from '@raftlog/core/benchmark';
import type { ContenderName } from '../contenders/names.ts';
import type { Workload } from '../workloads/workload.ts';

/** What the process of a trial is told, as JSON. */
export interface TrialTask {
  readonly contender: ContenderName;
  readonly workload: Workload;
  /** Exists, is empty, and is removed afterwards by whoever made it. */
  readonly directory: string;
  /** Time that is measured, where the workload doesn't say how much there is to do; half as much warms up before it. */
  readonly seconds: number;
  /** Data that is written and purged before anything is timed, where a contender uses its files again. */
  readonly settleMiB: number;
  /** What an earlier trial has written, for workloads that only open it. */
  readonly fixture: string | undefined;
}

/** One moment of a long trial. */
export interface Sample {
  readonly seconds: number;
  readonly entriesPerSecond: number;
  readonly residentMiB: number;
  readonly directoryMiB: number;
}

/** What a trial has measured. */
export interface TrialResult {
  /** By name; `figures.ts` has their units. */
  readonly figures: Readonly<Record<string, number>>;
  /** Only of sustained load. */
  readonly series?: readonly Sample[];
  /** Only of a comparison, which is judged by targets of its own. */
  readonly rows?: readonly BenchmarkRow[];
}

export type TrialMessage =
  | { readonly result: TrialResult }
  | { readonly error: string }
  | { readonly progress: string };
