/** What is known of a proposal that failed: `none`: it will never be committed; `unknown`: it may be, now or later. */
export type Outcome = 'none' | 'unknown';

/** The typed facts that come with each error code. A code, once published, keeps its meaning and its details. */
export interface NodeErrorDetails {
  /** `build()` without a storage engine. */
  NO_STORAGE_ENGINE: Record<never, never>;
  /** `build()` without a state machine. */
  NO_STATE_MACHINE: Record<never, never>;
  /** `build()` without a transport. */
  NO_TRANSPORT: Record<never, never>;
  /** The engine forgets everything at the end of the process, so that the node could vote twice in one term. */
  VOLATILE_ENGINE: { readonly adaptor: string };
  /** An option is out of range, or contradicts another one. */
  INVALID_CONFIG: { readonly option: string; readonly received: string };
  /** The storage belongs to another node or cluster, or no node ever wrote to it. Nothing was changed. */
  FOREIGN_STORAGE: { readonly expected: Identity; readonly found: Identity | undefined };
  /** What the node needs to start is missing from the storage, or can't be read. Nothing was changed. */
  DAMAGED_STORAGE: { readonly what: string };
  /** The state machine has applied entries that the log doesn't hold: it belongs to another storage, or the storage lost its end. */
  STATE_MACHINE_AHEAD: { readonly lastApplied: number; readonly lastIndex: number };
  /** `start()` was not called, or has not resolved. */
  NOT_STARTED: Record<never, never>;
  /** The node doesn't lead, and was not to forward. Nothing was proposed. `leader` is the one to ask, if one is known. */
  NOT_LEADER: { readonly leader: string | undefined };
  /** Another entry was committed in the place of the proposal: it will never take effect. Propose it again. */
  PROPOSAL_DROPPED: { readonly index: number; readonly term: number };
  /**
   * The leader that took the proposal has lost its office before the proposal was known to be committed: it may or may not be committed, now or
   * later. Propose again only what may take effect twice, or through a client session.
   */
  LEADERSHIP_LOST: { readonly leader: string | undefined };
  /** Too much is under way. Nothing was proposed: try again when something has resolved. */
  BUSY: { readonly limit: number };
  /** The command is larger than the limit. Nothing was proposed. */
  TOO_LARGE: { readonly bytes: number; readonly limit: number };
  /** The time is over. */
  TIMED_OUT: { readonly milliseconds: number; readonly outcome: Outcome };
  /** The caller's `AbortSignal` fired. */
  ABORTED: { readonly outcome: Outcome };
  /** The node was closed, or is closing. */
  STOPPED: { readonly outcome: Outcome };
  /** The storage has failed, and the node has stopped: it neither votes nor acknowledges anything any more. */
  STORAGE_FAILED: { readonly outcome: Outcome };
  /** The state machine threw, or answered wrongly, and the node has stopped: it must not skip an entry. */
  STATE_MACHINE_FAILED: { readonly outcome: Outcome };
  /** What Raft promises doesn't hold, and the node has stopped: its log lost what it had acknowledged, or two nodes share an id. */
  INVARIANT_VIOLATED: { readonly outcome: Outcome };
  /** Another membership change isn't finished. Nothing was changed. */
  CHANGE_PENDING: Record<never, never>;
  /** The membership change, or the target of a transfer, makes no sense. Nothing was changed. */
  INVALID_CHANGE: { readonly problem: string };
}

/** Who a storage belongs to. */
export interface Identity {
  readonly clusterId: string;
  readonly nodeId: string;
}

/** Stable name of a kind of failure; what programs match on. */
export type NodeErrorCode = keyof NodeErrorDetails;

// Registered, not unique: two copies of this package in one process must recognise each other's errors.
const brand: symbol = Symbol.for('raftlog.NodeError');

/**
 * The one error of a node. `code` says what happened, `details` has the facts, `cause` the error underneath, and the message ends with what to do.
 *
 * @example
 * ```ts
 * try {
 *   await node.propose(command);
 * } catch (error) {
 *   if (isNodeError(error, 'NOT_LEADER')) redirect(error.details.leader);
 *   else throw error;
 * }
 * ```
 */
export class NodeError<Code extends NodeErrorCode = NodeErrorCode> extends Error {
  override readonly name: string = 'NodeError';
  readonly code: Code;
  readonly details: NodeErrorDetails[Code];

  constructor(code: Code, message: string, details: NodeErrorDetails[Code], options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.details = details;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Any {@link NodeError}, as a union that narrows on `code`. */
export type AnyNodeError = { [Code in NodeErrorCode]: NodeError<Code> }[NodeErrorCode];

/** True if `value` is a {@link NodeError}, of any copy of this package. */
export function isNodeError(value: unknown): value is AnyNodeError;
/** True if `value` is a {@link NodeError} with this code; narrows `details`. */
export function isNodeError<Code extends NodeErrorCode>(value: unknown, code: Code): value is NodeError<Code>;
export function isNodeError(value: unknown, code?: NodeErrorCode): boolean {
  if (typeof value !== 'object' || value === null || !(brand in value)) return false;
  return code === undefined || (value as AnyNodeError).code === code;
}

/**
 * Whether a proposal that was rejected with `error` may be committed all the same, now or later. False only where that is certain: then it may simply
 * be proposed again.
 */
export function mayBeCommitted(error: unknown): boolean {
  if (!isNodeError(error)) return true;
  if (error.code === 'LEADERSHIP_LOST') return true;
  return 'outcome' in error.details && error.details.outcome === 'unknown';
}

/** Why a node has stopped: what its callers are told. */
export type StopCode = 'STOPPED' | 'STORAGE_FAILED' | 'STATE_MACHINE_FAILED' | 'INVARIANT_VIOLATED';

const STOP_MESSAGES: Record<StopCode, string> = {
  STOPPED: 'The node was closed. Ask another one, or start it again.',
  STORAGE_FAILED: 'The storage has failed and the node has stopped. Mend the cause, open the storage and start again.',
  STATE_MACHINE_FAILED: 'The state machine has failed and the node has stopped. Mend it, then start the node again.',
  INVARIANT_VIOLATED:
    'A promise of Raft was broken and the node has stopped. Look for two nodes with one id or a storage that lost data, and add this node under a new id.',
};

/** The error of a node that has stopped. */
export function stopError(code: StopCode, outcome: Outcome, cause?: unknown): NodeError<StopCode> {
  return new NodeError(code, STOP_MESSAGES[code], { outcome }, cause === undefined ? undefined : { cause });
}
