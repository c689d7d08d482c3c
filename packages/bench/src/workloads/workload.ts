import { grouped } from '@raftlog/core/benchmark';

/** Durable appends in calls of `batch` entries, `callers` calls in flight. */
export interface AppendWorkload {
  readonly kind: 'append';
  readonly batch: number;
  readonly payload: number;
  readonly callers: number;
}

/** `getEntries` of a range that was written in calls of `batch`, and `entry()` in it: cached, and after an open. */
export interface ReadWorkload {
  readonly kind: 'read';
  readonly entries: number;
  readonly batch: number;
  readonly payload: number;
}

/** `purge` and `truncate` of `range` entries of a log of `entries`, and `reset` of what is left. */
export interface CutWorkload {
  readonly kind: 'cut';
  readonly entries: number;
  readonly range: number;
  readonly payload: number;
}

/** A log to be opened by others: `generate` writes it once, every `open` is a process of its own. */
export interface OpenWorkload {
  readonly kind: 'generate' | 'open';
  readonly entries: number;
  readonly payload: number;
}

/** Resident memory over idle while a log is written in calls of `batch`, and while it is opened and read. */
export interface MemoryWorkload {
  readonly kind: 'memory';
  readonly entries: number;
  readonly batch: number;
  readonly payload: number;
}

/** The longest event-loop stall while calls of `batch` are made as fast as they go. */
export interface StallWorkload {
  readonly kind: 'stall';
  readonly batch: number;
  readonly payload: number;
}

/** Full write load for minutes, with a purge that keeps the newest `keepMiB`. */
export interface SustainedWorkload {
  readonly kind: 'sustained';
  readonly minutes: number;
  readonly keepMiB: number;
  readonly batch: number;
  readonly payload: number;
}

/** Proposals to a cluster in one process. */
export interface NodeWorkload {
  readonly kind: 'node';
  readonly nodes: number;
  readonly proposers: number;
  readonly payload: number;
}

/** An adaptor and its database by hand in one process, turn and turn about. */
export interface ComparisonWorkload {
  readonly kind: 'comparison';
  readonly rounds: number;
  readonly payload: number;
}

/** What a trial does; JSON-able. */
export type Workload =
  | AppendWorkload
  | ReadWorkload
  | CutWorkload
  | OpenWorkload
  | MemoryWorkload
  | StallWorkload
  | SustainedWorkload
  | NodeWorkload
  | ComparisonWorkload;

/** Says in words what a workload is, and tells it from every other one. */
export function workloadName(workload: Workload): string {
  return `${describe(workload)}, ${grouped(workload.payload)} B`;
}

function describe(workload: Workload): string {
  switch (workload.kind) {
    case 'append':
      return `append, batches of ${grouped(workload.batch)}, ${grouped(workload.callers)} in flight`;
    case 'read':
      return `read ${grouped(workload.entries)} written in batches of ${grouped(workload.batch)}`;
    case 'cut':
      return `purge, truncate ${grouped(workload.range)} of ${grouped(workload.entries)}, and reset`;
    case 'generate':
      return `write a log of ${grouped(workload.entries)}`;
    case 'open':
      return `open a log of ${grouped(workload.entries)}`;
    case 'memory':
      return `memory, ${grouped(workload.entries)} in batches of ${grouped(workload.batch)}`;
    case 'stall':
      return `event-loop stall, batches of ${grouped(workload.batch)}`;
    case 'sustained':
      return `${workload.minutes} minutes of writing that keep ${grouped(workload.keepMiB)} MiB`;
    case 'node':
      return `${workload.nodes === 1 ? '1 node' : `${workload.nodes} nodes`}, ${grouped(workload.proposers)} proposing`;
    case 'comparison':
      return 'against the database by hand';
  }
}
