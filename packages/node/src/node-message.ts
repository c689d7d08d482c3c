import type { LogId } from '@raftlog/core';
import type { Message } from '@raftlog/raft';

/*
 * What nodes say to each other besides the messages of the consensus core: plain objects, ready to be encoded. Any of them may be lost, delayed,
 * duplicated or overtaken.
 */

/** Names one proposal that was forwarded. */
export interface ProposalToken {
  readonly id: number;
  /** Drawn at the start of the node that forwards: an answer from before its restart must not be taken for one of a later proposal. */
  readonly session: number;
}

/** A follower hands a proposal to the leader. */
export interface ProposalRequest {
  readonly type: 'proposal-request';
  readonly proposal: ProposalToken;
  /**
   * The term in which the receiver is taken to lead. In any other it refuses: it remembers what it was given within a term, so that a copy made by the
   * network is not proposed twice, and a copy that comes later than that is of an earlier term.
   */
  readonly term: number;
  readonly command: Uint8Array;
}

/** What became of a forwarded proposal. */
export type ProposalAnswer =
  | { readonly kind: 'result'; readonly result: Uint8Array }
  /** Not proposed: the receiver doesn't lead, or is handing over. The sender may look for the leader and try again. */
  | { readonly kind: 'not-leader' }
  /** Not proposed: too much is under way at the leader. */
  | { readonly kind: 'busy'; readonly limit: number }
  /** Not proposed: larger than the leader takes. */
  | { readonly kind: 'too-large'; readonly bytes: number; readonly limit: number }
  /** Another entry took its place: it will never be committed. */
  | { readonly kind: 'dropped'; readonly index: number; readonly term: number }
  /** The leader lost its office or stopped before it knew. */
  | { readonly kind: 'unknown' };

export interface ProposalResponse {
  readonly type: 'proposal-response';
  readonly proposal: ProposalToken;
  readonly answer: ProposalAnswer;
}

/** A piece of a snapshot, for a peer that needs entries which the leader has compacted away (Raft paper, section 7). */
export interface SnapshotChunk {
  readonly type: 'snapshot-chunk';
  /** Names the sender's copy of the snapshot: pieces of two of them never mix, even where both end with the same entry. */
  readonly transfer: string;
  readonly lastIncluded: LogId;
  /** As of `lastIncluded`, encoded. */
  readonly configuration: Uint8Array;
  /** Bytes of the whole. */
  readonly size: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** How far a transfer has come. The sender goes on from `offset`, wherever it was. */
export interface SnapshotProgress {
  readonly type: 'snapshot-progress';
  readonly transfer: string;
  /** Bytes that the receiver has passed on to its storage, and doesn't need again. */
  readonly offset: number;
  /** True: all of it is saved, or not needed any more. */
  readonly installed: boolean;
}

/** Everything that nodes say to each other. `type` discriminates. */
export type NodeMessage = Message | ProposalRequest | ProposalResponse | SnapshotChunk | SnapshotProgress;

/** A message on its way. */
export interface Envelope {
  /** A node drops what is meant for another cluster. */
  readonly clusterId: string;
  readonly from: string;
  readonly to: string;
  readonly message: NodeMessage;
}
