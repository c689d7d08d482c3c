import type { LogId } from './entry.ts';

/** What the node says of a snapshot. */
export interface SnapshotMeta {
  /** The last entry that the snapshot includes. */
  readonly lastIncluded: LogId;
  /** The node's own bytes, such as the membership as of `lastIncluded`; up to 1 MiB. Default: empty. */
  readonly context?: Uint8Array;
}

/** A snapshot that was saved whole. */
export interface SnapshotInfo {
  /** Names the snapshot within its store; opaque. */
  readonly id: string;
  readonly lastIncluded: LogId;
  readonly context: Uint8Array;
  /** Length of the content in bytes. */
  readonly size: number;
}

/**
 * The snapshots of one Raft node, each visible whole or not at all. Calls need not be ordered with those of the log:
 * save the snapshot, then purge through it. A failure here doesn't poison the engine; and where the engine has poisoned itself, what was saved
 * can still be read, whereas it need not take a new one.
 */
export interface SnapshotStore {
  /**
   * Reads `source` to its end, makes the bytes durable, then makes the snapshot visible and that durable too. If the source throws
   * or `signal` fires, nothing is left and the promise rejects with that error or `ABORTED`; if the engine is closed meanwhile, with
   * `CLOSED`. Both end it at once, even while the source hangs.
   *
   * Each chunk is used up before the next one is asked for: the source may give the same buffer again and again.
   * Memory is bounded by the source's chunks and a buffer of 1 MiB.
   *
   * Rejects with `INVALID_ARGUMENT` for metadata of the wrong kind, `TOO_LARGE` for a context above 1 MiB; with `STORE_FAILED` or
   * `NO_SPACE` when the store fails, which harms nothing but this save.
   */
  save(
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<SnapshotInfo>;
  /** The snapshot with the highest `lastIncluded`; among equals the one saved last. */
  latest(): Promise<SnapshotInfo | undefined>;
  /** All snapshots, newest first (ordered as for {@link latest}). */
  list(): Promise<SnapshotInfo[]>;
  /**
   * Streams the content, each chunk checked before it is delivered: `CORRUPTION` where it is damaged, `NOT_FOUND` for an unknown id,
   * `ABORTED` when `signal` fires.
   * A snapshot that is removed while it is read is read to its end, or ends with `NOT_FOUND`; never with wrong bytes.
   */
  open(id: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  /** Removes a snapshot; resolves when it can't come back. An unknown id: `NOT_FOUND`. */
  remove(id: string): Promise<void>;
  /** Keeps the `count` newest (at least 1) and removes the others. */
  retain(count: number): Promise<void>;
}
