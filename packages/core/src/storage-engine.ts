/// <reference lib="esnext.disposable" preserve="true" />
import type { Capabilities } from './capabilities.ts';
import type { Entry, HardState } from './entry.ts';
import type { LogStore } from './log-store.ts';
import type { MetaStore } from './meta-store.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/** One step of a Raft node: what `Ready` hands to the disk in etcd's terms. */
export interface WriteBatch {
  readonly hardState?: HardState;
  /** As {@link LogStore.truncate}, or with `entries` as {@link LogStore.replaceRange}. */
  readonly truncateFrom?: number;
  readonly entries?: readonly Entry[];
}

/**
 * Durable storage of one Raft node. Adaptors give it by a static `open`:
 *
 * @example
 * ```ts
 * const engine = await FileStorageEngine.open({ directory: 'data/node-1' });
 * try {
 *   await engine.write({ hardState: { currentTerm: 1, votedFor: 'node-1' }, entries });
 * } finally {
 *   await engine.close();
 * }
 * ```
 */
export interface StorageEngine extends AsyncDisposable {
  readonly logStore: LogStore;
  readonly metaStore: MetaStore;
  readonly snapshotStore: SnapshotStore;
  readonly capabilities: Capabilities;
  /** Fires once, when the engine poisons itself; `reason` is the `STORE_FAILED` error. A node stops then. */
  readonly failure: AbortSignal;
  /**
   * Makes the hard state durable, then changes the log: never the other way round after a crash. Refused whole if any
   * part is refused. The log change is atomic as in `replaceRange`; the errors are those of the single calls. Without any part it does
   * nothing, and succeeds.
   */
  write(batch: WriteBatch): Promise<void>;
  /** Waits for accepted writes, then frees files and lock; the engine answers `CLOSED` from the call on. Idempotent: every call resolves when it is closed. */
  close(): Promise<void>;
}
