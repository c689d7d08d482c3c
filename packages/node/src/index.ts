/**
 * A Raft node on any storage engine.
 *
 * @packageDocumentation
 */
export type { ChangeOptions, Configuration, MembershipChange, Message, PeerStatus, Role } from '@raftlog/raft';
export { type Clock, SystemClock } from './clock.ts';
export type { InitialMembers, NodeConfig, NodeLimits, SnapshotPolicy } from './config.ts';
export type { NodeEvents } from './diagnostics.ts';
export {
  type AnyNodeError,
  type Identity,
  isNodeError,
  mayBeCommitted,
  NodeError,
  type NodeErrorCode,
  type NodeErrorDetails,
  type Outcome,
} from './errors.ts';
export { InMemoryHub } from './in-memory-transport.ts';
export {
  decodeKeyValueCommand,
  decodeKeyValueResult,
  encodeKeyValueCommand,
  encodeKeyValueQuery,
  type KeyValueCommand,
  type KeyValueOperation,
  type KeyValueResult,
  type SessionMark,
} from './key-value/codec.ts';
export { KeyValueClient, type KeyValueNode, type RetriedWrite } from './key-value/key-value-client.ts';
export { type KeyValueOptions, KeyValueStateMachine } from './key-value/key-value-state-machine.ts';
export { NodeBuilder, type NodeBuilderOptions, type StorageEngineOptions } from './node-builder.ts';
export type {
  Envelope,
  NodeMessage,
  ProposalAnswer,
  ProposalRequest,
  ProposalResponse,
  ProposalToken,
  SnapshotChunk,
  SnapshotProgress,
} from './node-message.ts';
export type { CallOptions, NodeStatus, RaftNode, ReadCallOptions } from './raft-node.ts';
export type { Consistency } from './reader.ts';
export type { StateMachine } from './state-machine.ts';
export type { Transport } from './transport.ts';
