import type { Entry, HardState, LogId } from '@raftlog/core';
import type { Configuration } from './configuration.ts';
import type { Message } from './message.ts';

/** What the host does with the storage engine, in one `engine.write(...)`. Once it is durable, `RaftCore.stored(id)`. */
export interface Write {
  /** Counts up. Writes become durable in this order. */
  readonly id: number;
  readonly hardState?: HardState;
  /** The log is cut from this index on, before `entries` are appended. */
  readonly truncateFrom?: number;
  /** Without a gap; with `truncateFrom` they start there. May be empty. The core keeps none of them. */
  readonly entries: readonly Entry[];
}

/** A message that waits for a write. */
export interface MessageAfter {
  /** Sent once this write is durable, and not before; never, if it fails. */
  readonly writeId: number;
  readonly message: Message;
}

/**
 * Entries to read for a peer: `getEntries(first, last, { maxBytes })`, then `RaftCore.fill(order, entries)`, whenever that resolves. There is at most one
 * open order for each peer.
 */
export interface AppendOrder {
  readonly id: number;
  readonly to: string;
  readonly first: number;
  readonly last: number;
  readonly maxBytes: number;
}

/**
 * A peer needs entries that are compacted away: the host sends it its latest snapshot, then calls `RaftCore.snapshotSent(order, ...)`. There is at
 * most one open order for each peer.
 */
export interface SnapshotOrder {
  readonly id: number;
  readonly to: string;
}

/** A read that was asked for with `RaftCore.readIndex`: linearizable once the state machine has applied `index`. */
export interface ReadyRead {
  readonly id: number;
  readonly index: number;
}

/** A read that can't be answered; it may be tried again. */
export interface RefusedRead {
  readonly id: number;
  /** `no-leader`: none is known. `leader-lost`: it changed, or stepped down, before it answered. `timeout`: the leader didn't answer in an election timeout. */
  readonly reason: 'no-leader' | 'leader-lost' | 'timeout';
}

/** `pre-candidate`: asks whether it would be elected, without having raised its term (thesis, section 9.6). */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/** Who leads, as far as this server knows. */
export interface Leadership {
  readonly role: Role;
  readonly term: number;
  readonly leader: string | undefined;
}

/**
 * What the host has to do now, all of it, in the turn in which it took it: write, send, read, apply. The order among the parts is free, except that
 * `write` is handed to the engine before the entries of `appends` are read from it.
 */
export interface Ready {
  readonly write: Write | undefined;
  /** To be sent at once. */
  readonly messages: readonly Message[];
  readonly messagesAfter: readonly MessageAfter[];
  readonly appends: readonly AppendOrder[];
  readonly snapshots: readonly SnapshotOrder[];
  /** Highest index known to be committed. */
  readonly commitIndex: number;
  /**
   * Highest index that the host may apply: committed, and durable here. A state machine that keeps its own state must never be ahead of the log beside it.
   */
  readonly applicable: number;
  readonly reads: readonly ReadyRead[];
  readonly refusedReads: readonly RefusedRead[];
  /** Present when one of its parts has changed. */
  readonly leadership: Leadership | undefined;
  /** The latest configuration in the log, present when it has changed; it may be rolled back as long as it isn't committed. */
  readonly configuration: Configuration | undefined;
}

/** Why the core doesn't take a proposal. Nothing has changed. */
export type Refusal =
  /** This server doesn't lead; `leader` does, if one is known. */
  | { readonly reason: 'not-leader'; readonly leader: string | undefined }
  /** Leadership is being handed over: try again there. */
  | { readonly reason: 'transferring'; readonly to: string }
  /** Too many bytes are proposed and not yet committed: try again when some are. */
  | { readonly reason: 'too-much-in-flight'; readonly bytes: number; readonly limit: number }
  /** Membership only: the leader has not committed an entry of its own term yet. It will as soon as a quorum answers. */
  | { readonly reason: 'term-not-committed' }
  /** Membership only: an earlier change isn't committed yet, or its joint configuration isn't left. */
  | { readonly reason: 'change-pending' }
  /** The change, or the target of a transfer, makes no sense; `problem` is a sentence for the operator. */
  | { readonly reason: 'invalid'; readonly problem: string };

/** Answer to a proposal: the place that its entries got, which is theirs only once it is committed in this term. */
export type Proposal =
  | { readonly accepted: true; readonly term: number; readonly first: number; readonly last: number }
  | { readonly accepted: false; readonly refusal: Refusal };

/** Answer to `RaftCore.transferLeadership`: whether it has begun. */
export type TransferStart = { readonly accepted: true } | { readonly accepted: false; readonly refusal: Refusal };

/** A snapshot as `RaftCore.installSnapshot` needs to know it. */
export interface SnapshotDescription {
  readonly lastIncluded: LogId;
  /** As of `lastIncluded`. */
  readonly configuration: Configuration;
}

/**
 * What became of a snapshot:
 * - `stale`: what it holds is committed here already. The host does nothing.
 * - `log-kept`: the log holds its last entry, which is committed now. The host goes on applying from the log.
 * - `log-reset`: the log is empty and continues after it. The host calls `logStore.reset(lastIncluded)` in the same turn and restores the state machine.
 */
export type SnapshotOutcome = 'stale' | 'log-kept' | 'log-reset';
