/**
 * The consensus core of Raftlog.
 *
 * @packageDocumentation
 */
export {
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
  initialConfiguration,
  isJoint,
  isVoter,
  membersOf,
} from './configuration.ts';
export { isRaftError, RaftError, type RaftErrorCode } from './errors.ts';
export { LogDescriber, type LogDescription, type PlacedConfiguration, type TermRun } from './log-description.ts';
export type { ChangeOptions, MembershipChange } from './membership-change.ts';
export type {
  AppendAccepted,
  AppendRejected,
  AppendRequest,
  CommitNotice,
  Heartbeat,
  HeartbeatResponse,
  Message,
  ReadIndexRequest,
  ReadIndexResponse,
  ReadToken,
  TimeoutNow,
  VoteRequest,
  VoteResponse,
} from './message.ts';
export type { RaftOptions } from './options.ts';
export { RaftCore } from './raft-core.ts';
export type {
  AppendOrder,
  Leadership,
  MessageAfter,
  Proposal,
  Ready,
  ReadyRead,
  Refusal,
  RefusedRead,
  Role,
  SnapshotDescription,
  SnapshotOrder,
  SnapshotOutcome,
  TransferStart,
  Write,
} from './ready.ts';
export type { PeerStatus, ReplicationState, Status } from './status.ts';
