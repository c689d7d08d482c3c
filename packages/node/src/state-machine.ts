import type { Entry, LogId } from '@raftlog/core';

/**
 * What a cluster replicates: it gets the same commands in the same order on every node and must make the same of them.
 *
 * A node calls `apply`, `restore` and `snapshot` one after the other, `query` at any time, also while an `apply` or the save of a snapshot is under
 * way. If `apply` or `restore` throws or rejects, the node stops: it must not skip an entry.
 */
export interface StateMachine {
  /**
   * Index of the last command that the state holds when the node starts: of a state machine that keeps its state durably itself, what survives a power
   * cut; of one in memory 0, and the node restores it from its latest snapshot and the log. Read once, by `start()`.
   */
  readonly lastApplied: number;

  /**
   * Applies committed commands, in order of their index, and answers with one result for each of them. Only entries of kind `command` come; their
   * indexes ascend, with gaps. A state machine that keeps its state durably stores the last index along with it, atomically, and is never given an entry
   * twice unless it had lost it.
   *
   * It must be deterministic: no clock, no randomness, nothing but the state and the commands. A command that it can't carry out is no failure: the
   * result says so.
   */
  apply(commands: readonly Entry[]): Promise<readonly Uint8Array[]> | readonly Uint8Array[];

  /**
   * The state as of this call, as a stream, whatever `apply` and `restore` do while it is read. The stream may be given up half-way. Called between two
   * calls of `apply`.
   */
  snapshot(): AsyncIterable<Uint8Array>;

  /**
   * Replaces the whole state by that of a snapshot, which ends with the entry `lastIncluded`. The chunks are not cut as `snapshot` cut them. Rejects if
   * the stream ends early or holds something else.
   */
  restore(snapshot: AsyncIterable<Uint8Array>, lastIncluded: LogId): Promise<void>;

  /** Answers a read from the state as it is. Must change nothing. What it throws goes to the caller of `read`. */
  query(query: Uint8Array): Promise<Uint8Array> | Uint8Array;
}
