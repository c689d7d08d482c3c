import type { DiskSpeed } from '../disk/machine-disk.ts';
import type { LinkQuality } from '../network/link.ts';
import type { FaultEvent } from './fault-event.ts';

export type EngineKind = 'memory' | 'file';

/** Everything that a seed decides before a run begins. What it decides later, such as which message is lost, comes from the seed too. */
export interface RunPlan {
  readonly seed: number;
  readonly engine: EngineKind;
  /** Of the file adaptor. */
  readonly durability: 'sync' | 'buffered';
  /** Voters that the cluster begins with. */
  readonly nodes: number;
  /** Machines that can be added. */
  readonly spares: number;
  readonly clients: number;
  readonly keys: number;
  /** Milliseconds between two operations of one client, on average. */
  readonly thinkTime: number;
  readonly link: LinkQuality;
  readonly disk: DiskSpeed;
  /** Clocks run up to this much faster or slower. */
  readonly clockSkew: number;
  readonly electionTimeoutMs: number;
  /** Entries between two snapshots, and how many of them stay in the log. */
  readonly snapshotEntries: number;
  readonly keepEntries: number;
  readonly snapshotChunkBytes: number;
  /** Bytes of entries in one message, and messages on their way to one peer. */
  readonly maxMessageBytes: number;
  readonly maxInFlightMessages: number;
  /** Proposals and reads at a follower are handed to the leader. */
  readonly forward: boolean;
  /** When faults and clients end. */
  readonly duration: number;
  readonly events: readonly FaultEvent[];
}
