import type { HardState } from '@raftlog/core';
import {
  type Capabilities,
  type Entry,
  type IndexRange,
  isStorageError,
  type LogId,
  type LogStore,
  type MetaStore,
  type ReadOptions,
  type SnapshotStore,
  type StorageEngine,
  type StreamOptions,
  type WriteBatch,
} from '@raftlog/core';
import type { DiskJournal } from './disk-journal.ts';
import type { LogChange } from './log-mirror.ts';

/** How a simulated disk takes part in the calls of an engine. */
export interface EngineTiming {
  /** Passes a write on: later, or not at all. */
  write<Result>(written: Promise<Result>): Promise<Result>;
  read<Result>(answer: Promise<Result>): Promise<Result>;
  readonly failure: AbortSignal;
}

/** What an {@link ObservedEngine} tells. */
export interface EngineObserver {
  /** The engine refuses what it was asked: the node has asked for something that makes no sense. */
  refused(error: unknown): void;
  /** A change was asked for, or has become durable. */
  noted(what: () => string): void;
}

const HARMLESS = ['STORE_FAILED', 'BUSY', 'CLOSED', 'ABORTED', 'NO_SPACE'] as const;

/** A storage engine whose every change is noted in the machine's journal when it is asked for, and when it is durable. */
export class ObservedEngine implements StorageEngine {
  readonly capabilities: Capabilities;
  readonly failure: AbortSignal;
  readonly logStore: LogStore;
  readonly metaStore: MetaStore;
  readonly snapshotStore: SnapshotStore;
  readonly #inner: StorageEngine;
  readonly #journal: DiskJournal;
  readonly #timing: EngineTiming;
  readonly #observer: EngineObserver;

  constructor(
    inner: StorageEngine,
    journal: DiskJournal,
    timing: EngineTiming,
    snapshots: SnapshotStore,
    observer: EngineObserver,
  ) {
    this.#inner = inner;
    this.#journal = journal;
    this.#timing = timing;
    this.#observer = observer;
    this.capabilities = inner.capabilities;
    this.failure = timing.failure;
    this.logStore = this.#log();
    this.metaStore = this.#meta();
    this.snapshotStore = snapshots;
  }

  write({ hardState, truncateFrom, entries }: WriteBatch): Promise<void> {
    const copies = (entries ?? []).map(copyOf);
    const written = this.#inner.write({
      ...(hardState && { hardState }),
      ...(truncateFrom !== undefined && { truncateFrom }),
      entries: copies,
    });
    const changesLog = copies.length > 0 || truncateFrom !== undefined;
    const state = hardState && this.#journal.saveHardState(hardState);
    const change = changesLog ? this.#journal.changeLog({ kind: 'write', truncateFrom, entries: copies }) : undefined;
    this.#observer.noted(() => `writes ${describeBatch({ hardState, truncateFrom, entries })}`);
    return this.#follow(written, () => {
      if (state !== undefined) this.#journal.hardStateIsDurable(state);
      if (change !== undefined && (truncateFrom !== undefined || !this.#isBuffered)) this.#journal.logIsDurable(change);
    });
  }

  close(): Promise<void> {
    return this.#timing.read(this.#inner.close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #isBuffered(): boolean {
    return this.capabilities.durability === 'buffered';
  }

  #changeLog(written: Promise<void>, change: LogChange, isDurable: boolean): Promise<void> {
    const sequence = this.#journal.changeLog(change);
    this.#observer.noted(() => JSON.stringify(change));
    return this.#follow(written, () => {
      if (isDurable) this.#journal.logIsDurable(sequence);
    });
  }

  async #follow(written: Promise<void>, onDurable: () => void): Promise<void> {
    try {
      await this.#timing.write(written);
    } catch (error) {
      if (!HARMLESS.some((code) => isStorageError(error, code))) this.#observer.refused(error);
      throw error;
    }
    onDurable();
    this.#observer.noted(() => `has stored ${this.#journal.durable.last.index}.${this.#journal.durable.last.term}`);
  }

  #flush(flushed: Promise<void>): Promise<void> {
    const { sequence } = this.#journal;
    return this.#follow(flushed, () => this.#journal.logIsDurable(sequence));
  }

  #log(): LogStore {
    const inner = this.#inner.logStore;
    const { repair } = inner;
    return {
      get firstIndex(): number {
        return inner.firstIndex;
      },
      get lastIndex(): number {
        return inner.lastIndex;
      },
      get lastLogId(): LogId | undefined {
        return inner.lastLogId;
      },
      get durableIndex(): number {
        return inner.durableIndex;
      },
      get purgeBoundary(): LogId | undefined {
        return inner.purgeBoundary;
      },
      get damagedRanges(): readonly IndexRange[] {
        return inner.damagedRanges ?? [];
      },
      isWriteDurable: inner.isWriteDurable,
      persistEntries: (entries) => this.write({ entries }),
      truncate: (fromIndex) =>
        this.#changeLog(inner.truncate(fromIndex), { kind: 'write', truncateFrom: fromIndex, entries: [] }, true),
      replaceRange: (truncateFrom, entries) => this.write({ truncateFrom, entries }),
      purge: (through) => this.#changeLog(inner.purge(through), { kind: 'purge', through: { ...through } }, true),
      reset: (boundary) => this.#changeLog(inner.reset(boundary), { kind: 'reset', boundary }, true),
      flush: () => this.#flush(inner.flush()),
      entry: (index) => this.#timing.read(inner.entry(index)),
      getEntries: (first: number, last: number, options?: ReadOptions): Promise<Entry[]> =>
        this.#timing.read(inner.getEntries(first, last, options)),
      entries: (range?: Partial<IndexRange>, options?: StreamOptions) => inner.entries(range, options),
      termAt: (index) => this.#timing.read(inner.termAt(index)),
      ...(repair && { repair: (entries: readonly Entry[]): Promise<void> => repair.call(inner, entries) }),
    };
  }

  #meta(): MetaStore {
    const inner = this.#inner.metaStore;
    return {
      saveHardState: (state: HardState): Promise<void> => this.write({ hardState: state }),
      loadHardState: () => this.#timing.read(inner.loadHardState()),
      flush: () => this.#timing.write(inner.flush()),
    };
  }
}

function describeBatch({
  hardState,
  truncateFrom,
  entries = [],
}: { [Part in keyof WriteBatch]: WriteBatch[Part] | undefined }): string {
  const parts = [
    ...(hardState ? [`term ${hardState.currentTerm} vote ${hardState.votedFor ?? 'none'}`] : []),
    ...(truncateFrom === undefined ? [] : [`cut from ${truncateFrom}`]),
    ...entries.map(({ index, term }) => `${index}.${term}`),
  ];
  return parts.join(' ');
}

function copyOf(entry: Entry): Entry {
  return { ...entry, data: entry.data.slice() };
}
