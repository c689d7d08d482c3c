import type { StorageEngine } from '@raftlog/core';
import type { ProcessLife } from '../time/process-life.ts';
import type { DiskJournal } from './disk-journal.ts';

/** How a machine goes down: with its power, or just the process. */
export type CrashKind = 'power-cut' | 'kill';

/** The disk of one machine, which outlives its processes. */
export interface MachineDisk {
  /** What was asked of it, and what of it is durable. */
  readonly journal: DiskJournal;
  /** Opens it for a new process. Calls of a process that is not alive any more never come back. */
  open(life: ProcessLife): Promise<StorageEngine>;
  /** Decides what is left of all that was not synced. */
  crash(kind: CrashKind): void;
  /** Everything takes so many times as long. */
  setSlowness(factor: number): void;
  /** From now on nothing can be written. */
  setFull(isFull: boolean): void;
  /** The next sync fails, and what it should have made durable may be lost or not. */
  failNextSync(): void;
}

/** How long a disk takes, in milliseconds. */
export interface DiskSpeed {
  readonly minWrite: number;
  readonly maxWrite: number;
  /** Probability that a read takes time at all, and how much at most. */
  readonly readDelay: number;
  readonly maxRead: number;
}

export const USUAL_DISK: DiskSpeed = { minWrite: 0.2, maxWrite: 4, readDelay: 0.2, maxRead: 3 };
