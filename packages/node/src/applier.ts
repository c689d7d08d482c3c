import type { Entry, SnapshotInfo, StorageEngine } from '@raftlog/core';
import type { StateMachine } from './state-machine.ts';

/** What an {@link Applier} tells, between two calls of the state machine. */
export interface ApplierEvents {
  /** Entries were applied. `results` has one for each command among them, in their order. */
  applied(entries: readonly Entry[], results: readonly Uint8Array[]): void;
  /** The state was replaced by a snapshot's. */
  restored(snapshot: SnapshotInfo): void;
  /** The state machine failed: the node must stop. */
  failed(error: unknown): void;
  /** The storage could not be read: the node must stop. */
  unreadable(error: unknown): void;
}

/**
 * Brings committed entries to the state machine, in batches, one call at a time. The core never waits for it: it is told how far the state has come.
 */
export class Applier {
  readonly #engine: StorageEngine;
  readonly #machine: StateMachine;
  readonly #events: ApplierEvents;
  readonly #batchBytes: number;
  #appliedIndex: number;
  #applicable = 0;
  #restore: SnapshotInfo | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(
    engine: StorageEngine,
    machine: StateMachine,
    events: ApplierEvents,
    { appliedIndex, batchBytes }: { readonly appliedIndex: number; readonly batchBytes: number },
  ) {
    this.#engine = engine;
    this.#machine = machine;
    this.#events = events;
    this.#appliedIndex = appliedIndex;
    this.#batchBytes = batchBytes;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** True: the state is about to be replaced, and is none to be read meanwhile. */
  /** The id of the snapshot that is being restored. */
  get inUse(): readonly string[] {
    return this.#restore === undefined ? [] : [this.#restore.id];
  }

  get isRestoring(): boolean {
    return this.#restore !== undefined;
  }

  /** Everything up to here may be applied. */
  advance(applicable: number): void {
    this.#applicable = applicable;
    this.#start();
  }

  /** The log was reset to a snapshot: the state has to be replaced by it before anything else is applied. */
  restore(snapshot: SnapshotInfo): void {
    this.#restore = snapshot;
    this.#start();
  }

  /** Begins nothing more. Resolves when the state machine has answered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  get #hasWork(): boolean {
    return !this.#isStopped && (this.isRestoring || this.#applicable > this.#appliedIndex);
  }

  #start(): void {
    if (!this.#hasWork) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // Work that came after the last look, before the promise was settled.
      this.#start();
    });
  }

  async #run(): Promise<void> {
    while (this.#hasWork) {
      if (this.#restore !== undefined) await this.#restoreState(this.#restore);
      else await this.#applyBatch();
    }
  }

  async #applyBatch(): Promise<void> {
    const first = this.#appliedIndex + 1;
    const entries = await this.#read(first, this.#applicable);
    // A snapshot that was installed meanwhile has taken the entries away.
    if (this.#isStopped || this.isRestoring || entries === undefined) return;
    const commands = entries.filter(({ kind }) => kind === 'command');
    try {
      const results = commands.length === 0 ? [] : await this.#machine.apply(commands);
      if (results.length !== commands.length) {
        throw new TypeError(`apply() answered ${commands.length} commands with ${results.length} results.`);
      }
      this.#appliedIndex = first + entries.length - 1;
      this.#events.applied(entries, results);
    } catch (error) {
      this.#isStopped = true;
      this.#events.failed(error);
    }
  }

  async #read(first: number, last: number): Promise<Entry[] | undefined> {
    try {
      const entries = await this.#engine.logStore.getEntries(first, last, { maxBytes: this.#batchBytes });
      if (entries[0]?.index === first || this.isRestoring || this.#isStopped) return entries;
      throw new Error(`Entry ${first} is committed, but the log doesn't hold it.`);
    } catch (error) {
      if (this.#isStopped || this.isRestoring) return undefined;
      this.#isStopped = true;
      this.#events.unreadable(error);
      return undefined;
    }
  }

  async #restoreState(snapshot: SnapshotInfo): Promise<void> {
    try {
      await this.#machine.restore(this.#engine.snapshotStore.open(snapshot.id), snapshot.lastIncluded);
      this.#appliedIndex = snapshot.lastIncluded.index;
      // A still newer one may have come while this one was read.
      if (this.#restore === snapshot) this.#restore = undefined;
      this.#events.restored(snapshot);
    } catch (error) {
      this.#isStopped = true;
      this.#events.failed(error);
    }
  }
}
