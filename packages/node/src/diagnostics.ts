import { channel } from 'node:diagnostics_channel';
import type { LogId } from '@raftlog/core';
import type { Configuration, Leadership } from '@raftlog/raft';
import type { Identity, NodeError, StopCode } from './errors.ts';

/** The events of a node, by name of their channel without its prefix `raftlog:node-`. Each comes with `clusterId` and `nodeId`. */
export interface NodeEvents {
  /** Role, term or known leader have changed. */
  readonly leadership: Leadership;
  /** The node learnt that more is committed. */
  readonly commit: { readonly commitIndex: number };
  /** The latest configuration in the log has changed; it may be rolled back until it is committed. */
  readonly membership: { readonly configuration: Configuration };
  readonly snapshot: {
    readonly what: 'taken' | 'sent' | 'received' | 'restored';
    readonly lastIncluded: LogId;
    readonly bytes: number;
  };
  /** The log was purged through this entry. */
  readonly compaction: { readonly boundary: LogId };
  /** Something failed that costs nothing but time, such as taking a snapshot, or a message that makes no sense. */
  readonly problem: { readonly operation: string; readonly error: unknown };
  /** The node has stopped, because it was told to, or because it must. */
  readonly stop: { readonly error: NodeError<StopCode> };
}

type EventName = keyof NodeEvents;

const NAMES: readonly EventName[] = ['leadership', 'commit', 'membership', 'snapshot', 'compaction', 'problem', 'stop'];
const channels = Object.fromEntries(NAMES.map((name) => [name, channel(`raftlog:node-${name}`)])) as Record<
  EventName,
  ReturnType<typeof channel>
>;

/** Says what one node does, to those who listen; makes nothing when nobody does. */
export class NodeDiagnostics {
  readonly #identity: Identity;

  constructor({ clusterId, nodeId }: Identity) {
    this.#identity = { clusterId, nodeId };
  }

  publish<Name extends EventName>(name: Name, event: () => NodeEvents[Name]): void {
    const listeners = channels[name];
    if (listeners.hasSubscribers) listeners.publish({ ...this.#identity, ...event() });
  }
}
