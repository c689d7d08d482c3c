import { type Entry, encodedEntryBytes, type LogId, type SnapshotInfo, type StorageEngine } from '@raftlog/core';
import type { Configuration } from '@raftlog/raft';
import type { SnapshotPolicy } from './config.ts';
import type { Identity } from './errors.ts';
import { encodeContext } from './snapshot-context.ts';
import type { StateMachine } from './state-machine.ts';

/** What a {@link SnapshotTaker} depends on. */
export interface SnapshotTakerOptions {
  readonly identity: Identity;
  readonly engine: StorageEngine;
  readonly machine: StateMachine;
  readonly policy: Required<SnapshotPolicy>;
  /** `RaftCore.configurationAt`; `undefined` where the node has stopped. */
  readonly configurationAt: (index: number) => Configuration | undefined;
  readonly signal: AbortSignal;
  readonly taken: (snapshot: SnapshotInfo) => void;
  readonly failed: (error: unknown) => void;
}

/** Takes snapshots of the state machine, when enough was applied. */
export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions;
  /** The last entry that was applied; `undefined` before the first. */
  #last: LogId | undefined;
  #bytes = 0;
  #entries = 0;
  #taking: Promise<SnapshotInfo | undefined> | undefined;

  constructor(options: SnapshotTakerOptions, entriesSinceLast: number) {
    this.#options = options;
    this.#entries = entriesSinceLast;
  }

  /** Between two calls of `apply`. */
  applied(entries: readonly Entry[]): void {
    for (const entry of entries) this.#bytes += encodedEntryBytes(entry);
    this.#entries += entries.length;
    const last = entries.at(-1);
    if (last !== undefined) this.#last = { index: last.index, term: last.term };
    const { policy } = this.#options;
    if (this.#bytes >= policy.bytes || this.#entries >= policy.entries) this.#begin();
  }

  /** The state was replaced by a snapshot's: there is one of it. */
  restored(lastIncluded: LogId): void {
    this.#last = lastIncluded;
    this.#bytes = 0;
    this.#entries = 0;
  }

  /** One at a time: while one is saved, another one that would be due waits for the next batch. */
  #begin(): void {
    const configuration = this.#last && this.#options.configurationAt(this.#last.index);
    if (this.#taking !== undefined || this.#last === undefined || configuration === undefined) return;
    this.#bytes = 0;
    this.#entries = 0;
    this.#taking = this.#save(this.#last, configuration).finally(() => {
      this.#taking = undefined;
    });
  }

  /** A snapshot that can't be saved costs nothing but its time: the log is kept, and the next one is due after as much again. */
  async #save(lastIncluded: LogId, configuration: Configuration): Promise<SnapshotInfo | undefined> {
    const { identity, engine, machine, signal } = this.#options;
    try {
      const context = encodeContext({ ...identity, configuration, isClaim: false });
      // In the turn in which the batch was applied: the state is as of `lastIncluded`, whatever is applied while it is saved.
      const info = await engine.snapshotStore.save({ lastIncluded, context }, machine.snapshot(), { signal });
      this.#options.taken(info);
      return info;
    } catch (error) {
      if (!signal.aborted) this.#options.failed(error);
      return undefined;
    }
  }

  /** Resolves when none is being saved any more. */
  async stop(): Promise<void> {
    await this.#taking;
  }
}
