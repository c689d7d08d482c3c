import type { AdaptorName } from './contenders/names.ts';

/** Groups of workloads that can be chosen. */
export const GROUPS = ['append', 'read', 'cut', 'open', 'memory', 'stall', 'node', 'comparison'] as const;
type Group = (typeof GROUPS)[number];

/** What the command was asked for. */
export interface BenchOptions {
  readonly adaptors: readonly AdaptorName[];
  readonly groups: readonly Group[];
  /** Go's storage too, and the table of targets. */
  readonly peers: boolean;
  readonly batches: readonly number[];
  /** The first one is that of everything but appends. */
  readonly payloads: readonly number[];
  /** Callers of single entries. */
  readonly callers: readonly number[];
  /** Calls in flight of batches, for the file adaptor; all others are called by one. */
  readonly inFlight: readonly number[];
  readonly logLengths: readonly number[];
  /** Also a log of a hundred million entries. */
  readonly open100m: boolean;
  readonly rangeEntries: number;
  readonly cutEntries: number;
  readonly memoryEntries: number;
  readonly runs: number;
  readonly seconds: number;
  readonly settleMiB: number;
  /** `undefined`: no sustained load. */
  readonly sustainedMinutes: number | undefined;
  readonly keepMiB: number;
  readonly directory: string;
  readonly allowTmpfs: boolean;
  readonly json: string | undefined;
  readonly markdown: string | undefined;
  readonly html: string | undefined;
  readonly help: boolean;
}
