import type { BenchOptions } from '../options.ts';
import type {
  AppendWorkload,
  CutWorkload,
  MemoryWorkload,
  NodeWorkload,
  OpenWorkload,
  ReadWorkload,
  StallWorkload,
  SustainedWorkload,
} from '../workloads/workload.ts';

/** Reads are of what was written in batches of this size. */
const writtenAtOnce = 100;
const sustainedBatch = 1_000;
/** Above this length entries are small, so that the log fits on a disk. */
const longLog = 10_000_000;
const smallPayload = 16;

/** Entries of the log that `--open-100m` adds. */
export const HUNDRED_MILLION = 100_000_000;
export const STALL_BATCHES = [1, 10, 100, 1_000] as const;
export const MEMORY_BATCHES = [1_000, 1] as const;
export const CLUSTER_SIZES = [1, 3] as const;
export const PROPOSERS = [1, 64, 1_000] as const;

/** The payload of all workloads but appends. */
export function mainPayload({ payloads }: BenchOptions): number {
  return payloads[0] ?? 256;
}

export function appendOf(batch: number, callers: number, payload: number): AppendWorkload {
  return { kind: 'append', batch, payload, callers };
}

export function readOf(options: BenchOptions): ReadWorkload {
  return { kind: 'read', entries: options.rangeEntries, batch: writtenAtOnce, payload: mainPayload(options) };
}

export function cutOf(options: BenchOptions): CutWorkload {
  return { kind: 'cut', entries: options.cutEntries, range: options.rangeEntries, payload: mainPayload(options) };
}

export function openOf(entries: number, options: BenchOptions): OpenWorkload {
  return { kind: 'open', entries, payload: entries > longLog ? smallPayload : mainPayload(options) };
}

export function memoryOf(batch: number, options: BenchOptions): MemoryWorkload {
  return { kind: 'memory', entries: options.memoryEntries, batch, payload: mainPayload(options) };
}

export function stallOf(batch: number, options: BenchOptions): StallWorkload {
  return { kind: 'stall', batch, payload: mainPayload(options) };
}

export function sustainedOf(options: BenchOptions): SustainedWorkload {
  const { sustainedMinutes = 10, keepMiB } = options;
  return {
    kind: 'sustained',
    minutes: sustainedMinutes,
    keepMiB,
    batch: sustainedBatch,
    payload: mainPayload(options),
  };
}

export function nodeOf(nodes: number, proposers: number, options: BenchOptions): NodeWorkload {
  return { kind: 'node', nodes, proposers, payload: mainPayload(options) };
}
