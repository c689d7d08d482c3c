import type { Entry, LogId } from '@raftlog/core';

/*
 * What servers say to each other: plain objects, ready to be encoded. Any message may be lost, delayed, duplicated or overtaken by another one;
 * none of that endangers safety. `{ index: 0, term: 0 }` stands for the place before the first entry.
 */

/** What every message carries. */
interface Header {
  readonly from: string;
  readonly to: string;
  /** The sender's term; of a pre-vote and of its grant the term that the sender would campaign in. */
  readonly term: number;
}

/** Asks for a vote (Raft paper, section 5.2), or whether there would be one (`preVote`; thesis, section 9.6). */
export interface VoteRequest extends Header {
  readonly type: 'vote-request';
  readonly preVote: boolean;
  /** End of the candidate's log: who has more refuses (Raft paper, section 5.4.1). */
  readonly lastLog: LogId;
  /** The leader itself asked for this campaign, so having heard from a leader is no reason to refuse (thesis, sections 3.10 and 4.2.3). */
  readonly transfer: boolean;
}

export interface VoteResponse extends Header {
  readonly type: 'vote-response';
  readonly preVote: boolean;
  readonly granted: boolean;
}

/** AppendEntries (Raft paper, section 5.3). Without entries it asks whether the log matches up to `previous`. */
export interface AppendRequest extends Header {
  readonly type: 'append-request';
  /** The entry before `entries`: the receiver must have it. */
  readonly previous: LogId;
  readonly entries: readonly Entry[];
  /** The leader's commit index. The receiver's becomes at most that of the last entry that this message vouches for. */
  readonly commitIndex: number;
}

/** The sender's log equals the leader's up to `matchIndex`, durably. */
export interface AppendAccepted extends Header {
  readonly type: 'append-accepted';
  readonly matchIndex: number;
}

/** The sender doesn't have the entry before those that it was sent. */
export interface AppendRejected extends Header {
  readonly type: 'append-rejected';
  /** `previous.index` of the request: tells the answer to the last probe from a late one. */
  readonly rejectedIndex: number;
  /** Where the sender's log may match: its last entry at or below `rejectedIndex` with a term not above that of `previous` (Raft paper, end of section 5.3). */
  readonly hint: LogId;
}

/** Keeps followers from campaigning, and finds out whether the leader is still one. */
export interface Heartbeat extends Header {
  readonly type: 'heartbeat';
  /** Counts up from 1 within the term. Who answers round `n` had not left the term when round `n` was sent. */
  readonly round: number;
  /** At most what the receiver has acknowledged, so it needs no check of the log. */
  readonly commitIndex: number;
}

export interface HeartbeatResponse extends Header {
  readonly type: 'heartbeat-response';
  /** That of the heartbeat; 0 if it was of an earlier term. */
  readonly round: number;
  /** Only of a server with a damaged log: from here on it has lost what it may have acknowledged. */
  readonly lostFrom?: number;
}

/** The receiver's log up to here is committed; at most what it has acknowledged. Not answered. */
export interface CommitNotice extends Header {
  readonly type: 'commit-notice';
  readonly commitIndex: number;
}

/** The leader asks the receiver to campaign at once (thesis, section 3.10). */
export interface TimeoutNow extends Header {
  readonly type: 'timeout-now';
}

/** Names one read that a follower forwarded; opaque to the leader. */
export interface ReadToken {
  readonly id: number;
  /** Drawn at the start of the follower: an answer to a read from before a restart must not answer a later one of the same id. */
  readonly session: number;
}

/** A follower asks the leader for a read index (thesis, section 6.4). */
export interface ReadIndexRequest extends Header {
  readonly type: 'read-index-request';
  readonly read: ReadToken;
}

export interface ReadIndexResponse extends Header {
  readonly type: 'read-index-response';
  readonly read: ReadToken;
  /** `undefined`: refused; the sender doesn't lead. */
  readonly index: number | undefined;
}

/** Everything that servers say to each other. `type` discriminates. */
export type Message =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendAccepted
  | AppendRejected
  | Heartbeat
  | HeartbeatResponse
  | CommitNotice
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexResponse;

type WithoutHeader<M> = M extends Message ? Omit<M, 'from' | 'to' | 'term'> : never;

/** A message before it is addressed. */
export type MessageBody = WithoutHeader<Message>;
