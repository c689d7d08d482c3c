import type { FileIo, IndexRange } from '@raftlog/core';

/** A run of entries in encoded form: opaque to the store, at most 64 KiB or one entry. */
export interface Block {
  /** The key: index of the last entry inside. A forward seek to the first key `>= i` finds the block that covers `i`. */
  readonly key: number;
  /** Never changes; the store may keep it, and may hand out what it kept (unless the adaptor says `keepsNoBlocks`). */
  readonly bytes: Uint8Array;
}

/** One atomic change of a {@link BlockStore}; its parts take effect in the order of these fields. */
export interface Commit {
  /** Rises by one with each commit, from 1 on. A store that keeps a log of its own can number its records by it; others ignore it. */
  readonly sequence: number;
  /** Remove every block with a key `>=` this. */
  readonly removeFrom?: number | undefined;
  /** Remove every block with a key `<=` this. The boundary in the header of an earlier commit covers them already: what is left undone by a crash is asked for again after the next open. */
  readonly removeThrough?: number | undefined;
  /** Put these, ascending by key. Nearly always above every key that is left; a repair puts blocks back in the middle and may replace keys. */
  readonly put: readonly Block[];
  /** Replaces the header. 64 bytes, opaque to the store. */
  readonly header: Uint8Array;
}

/** What a {@link BlockStore} holds when it is opened. */
export interface OpenedBlocks {
  /** The header of the last commit; `undefined` if there was none yet. */
  readonly header: Uint8Array | undefined;
  /** The highest key; `undefined` if there is no block. */
  readonly lastIndex: number | undefined;
  /**
   * What is known to be lost, when opened for salvage by a store that can tell: as the log was after the last commit that it knows of, so without what a
   * later one removed. What lies above the last index of the header counts as damaged even if no commit after that one is left. In these
   * ranges the store hands out no block that a lost commit may have removed.
   */
  readonly damagedRanges?: readonly IndexRange[];
  /** Bytes of an unacknowledged tail that the recovery cut off, for `stats().recovery.discarded`. */
  readonly discardedBytes?: number;
}

/**
 * What an adaptor implements: five methods over one ordered place, and `sync` if it offers buffered writes. The kit makes a whole `StorageEngine` of it.
 *
 * The kit never overlaps calls, reads excepted: `readBlocks` may run while any other call does, and then answers for
 * the state before or after that call for each block (a block that a commit removes may or may not be found; the kit
 * asks again where it matters). Whatever rejects, `readBlocks` excepted, poisons the engine: after it only `readBlocks` and `close` are called.
 */
export interface BlockStore {
  /**
   * Opens the store, and makes one if `context.create`. Changes nothing that is there: the kit may refuse what it hears, and then calls only `close`.
   * A store that can't open without a change may go against that, and `settle` does nothing.
   */
  open(): Promise<OpenedBlocks>;
  /**
   * The kit has accepted what `open` answered, and read in it, and will serve it. Called once, before the first commit. When it resolves, that is on the
   * disk, not only in the page cache: a store that can recover bytes after a killed process rewrites or re-syncs them now (recovery barrier).
   */
  settle?(): Promise<void>;
  /** Applies the change, all of it or nothing. Durable when it resolves, unless the engine was opened with `durability: 'buffered'`. */
  commit(commit: Commit): Promise<void>;
  /**
   * The blocks from the first key `>= first` to the first key `>= last`, ascending; fewer once `maxBytes` are reached, but at least one if there is one.
   * Blocks that the recovery found damaged, or that were damaged since, may be left out or handed out as they are: the kit checks every block.
   */
  readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]>;
  /** Makes all resolved commits durable. Only where `buffered` is offered. */
  sync?(): Promise<void>;
  /** Frees everything. Once `context.failure` has fired it writes nothing. */
  close(): Promise<void>;
}

/** What the kit hands to an adaptor with the user's options. */
export interface BlockStoreContext {
  /** The store's own directory, made and locked by the kit; below the engine's. Empty string for adaptors that bring `remote` parts. */
  readonly directory: string;
  /** All file work goes through it, so that tests can stand in for the disk. */
  readonly fileIo: FileIo;
  /** True: the engine is made now; `open` finds an empty directory. False: a missing store is `CORRUPTION`. */
  readonly create: boolean;
  /** True: `commit` is not to be durable before `sync`. */
  readonly buffered: boolean;
  /** True: open in spite of damage and keep what is intact. False: refuse with `CORRUPTION` and change nothing. */
  readonly salvage: boolean;
  /**
   * Commit sequence that the witness saw durable, 0 if none: a recovery that would end below it has lost data.
   * The header's sequence is the same number; stores that don't recover by themselves leave the check to the kit.
   */
  readonly witnessedSequence: number;
  /** Fires when the engine is poisoned, by this store or by the hard state beside it: nothing may be written any more. */
  readonly failure: AbortSignal;
  /** Reports a failure that costs no data, such as that of reclaiming space. Does not poison. */
  readonly backgroundFailure: (operation: string, error: unknown) => void;
}
