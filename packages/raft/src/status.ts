import type { LogId } from '@raftlog/core';
import type { Configuration } from './configuration.ts';
import type { Leadership } from './ready.ts';

/** How a peer is sent entries. `probe`: one message at a time until one is accepted; `replicate`: pipelined; `snapshot`: none until it has one. */
export type ReplicationState = 'probe' | 'replicate' | 'snapshot';

/** What a leader knows of one of its peers. */
export interface PeerStatus {
  readonly state: ReplicationState;
  /** Its log is known to equal the leader's up to here, durably. */
  readonly matchIndex: number;
  /** The next entry to send to it. */
  readonly nextIndex: number;
  readonly inFlightMessages: number;
  readonly inFlightBytes: number;
  /** Ticks since it was last heard. */
  readonly silentTicks: number;
}

/** The whole of a core at one moment. */
export interface Status extends Leadership {
  readonly id: string;
  readonly votedFor: string | undefined;
  /** The log continues after it: purged, or replaced by a snapshot. */
  readonly boundary: LogId;
  readonly lastLog: LogId;
  /** Highest index that is durable here. */
  readonly storedIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly configuration: Configuration;
  readonly configurationIndex: number;
  /** True: the log is damaged, and this server neither votes nor campaigns. */
  readonly damaged: boolean;
  /** Of a leader that hands over. */
  readonly transferringTo: string | undefined;
  /** Of a leader: bytes proposed and not yet committed. */
  readonly uncommittedBytes: number;
  /** Of a leader. */
  readonly peers: ReadonlyMap<string, PeerStatus>;
}
