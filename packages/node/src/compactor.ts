import type { LogId, SnapshotInfo, StorageEngine } from '@raftlog/core';
import type { SnapshotPolicy } from './config.ts';
import { stateSnapshots } from './snapshot-context.ts';

/** What a {@link Compactor} depends on. */
export interface CompactorOptions {
  readonly engine: StorageEngine;
  readonly policy: Required<SnapshotPolicy>;
  /** The ids of snapshots that are being sent. */
  readonly inUse: () => ReadonlySet<string>;
  /** What lies above it is still to be read, also where a snapshot that includes it was received. */
  readonly appliedIndex: () => number;
  /** Purges the log, and tells the core. */
  readonly purge: (boundary: LogId) => void;
  readonly failed: (error: unknown) => void;
}

/** Removes what newer snapshots have made superfluous: older snapshots, and the log. */
export class Compactor {
  readonly #options: CompactorOptions;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** There is a new snapshot. */
  compact(): void {
    this.#running = this.#running.then(() => this.#run()).catch((error: unknown) => this.#options.failed(error));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const snapshots = (await stateSnapshots(this.#options.engine.snapshotStore)).map(({ info }) => info);
    const kept = await this.#removeOld(snapshots);
    const through = this.#purgeThrough(kept);
    const { logStore } = this.#options.engine;
    if (this.#isStopped || through <= (logStore.purgeBoundary?.index ?? 0)) return;
    const term = await logStore.termAt(through);
    // Gone meanwhile, where a snapshot was installed.
    if (term !== undefined && !this.#isStopped) this.#options.purge({ index: through, term });
  }

  async #removeOld(snapshots: readonly SnapshotInfo[]): Promise<readonly SnapshotInfo[]> {
    const { policy, inUse, engine } = this.#options;
    const used = inUse();
    const kept: SnapshotInfo[] = [];
    for (const [position, info] of snapshots.entries()) {
      if (position < policy.retain || used.has(info.id)) kept.push(info);
      else if (!this.#isStopped) await engine.snapshotStore.remove(info.id);
    }
    return kept;
  }

  /**
   * Only through the oldest snapshot that is kept: should a newer one turn out to be damaged, the log leads on from there. And not up to the newest one,
   * so that a follower which is a little behind gets entries, not the whole state.
   */
  #purgeThrough(snapshots: readonly SnapshotInfo[]): number {
    const [newest] = snapshots;
    const oldest = snapshots.at(-1);
    if (newest === undefined || oldest === undefined) return 0;
    const { policy, appliedIndex } = this.#options;
    return Math.min(oldest.lastIncluded.index, newest.lastIncluded.index - policy.keepEntries, appliedIndex());
  }
}
