/**
 * Highest log index there can be: 2^53 - 2. One below the largest safe integer, so that
 * `lastIndex + 1` is always an exact number.
 */
export const MAX_INDEX: number = Number.MAX_SAFE_INTEGER - 1;

/** Highest term there can be: 2^53 - 1. */
export const MAX_TERM: number = Number.MAX_SAFE_INTEGER;

/**
 * What an entry carries: `noop` for the empty entry that a new leader appends (Raft paper, section 8),
 * `command` for the state machine, `config` for a membership change.
 */
export type EntryKind = 'noop' | 'command' | 'config';

/**
 * One entry of the Raft log: a plain object, safe to spread, to compare and to clone.
 *
 * `data` of an entry that was read is read-only for the caller. It never changes under the reader, whatever is
 * written later, but it may be shared with other readers and it may be a view that keeps a larger block of memory
 * alive: copy it (`data.slice()`) before changing it or keeping it for long.
 */
export interface Entry {
  /** Position in the log: a safe integer, 1 to {@link MAX_INDEX}. */
  readonly index: number;
  /** Term of the leader that created the entry: a safe integer, 1 to {@link MAX_TERM}. */
  readonly term: number;
  readonly kind: EntryKind;
  /** Opaque to the storage. May be empty. */
  readonly data: Uint8Array;
}

/** Names one entry of one history: two logs that hold the same `LogId` are equal up to it (Raft paper, section 5.3). */
export interface LogId {
  readonly index: number;
  readonly term: number;
}

/**
 * What a Raft node must never forget besides its log (Raft paper, figure 2): the latest term that it has seen and the
 * candidate that it voted for in that term. A node that loses it can vote twice in one term.
 */
export interface HardState {
  /** A safe integer, 0 to {@link MAX_TERM}. 0 is the term of a node that has seen none. */
  readonly currentTerm: number;
  /** Id of the candidate, 1 to 1,024 bytes of UTF-8; `undefined`: no vote in this term. */
  readonly votedFor: string | undefined;
}

/** A run of indexes, both ends inclusive. */
export interface IndexRange {
  readonly first: number;
  readonly last: number;
}
