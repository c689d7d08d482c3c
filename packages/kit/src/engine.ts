import type {
  Capabilities,
  HardState,
  LogStore,
  MetaStore,
  SnapshotStore,
  StorageEngine,
  WriteBatch,
} from '@raftlog/core';
import type { Log } from './log/log.ts';

/** Figures of one engine since it was opened. */
export interface EngineStats {
  readonly commits: number;
  /** Times that the device was asked to make something durable: one per synced commit or sync, two per hard state. */
  readonly syncs: number;
  readonly entriesWritten: number;
  readonly blocksWritten: number;
  /** Bytes of blocks handed to the store. */
  readonly bytesWritten: number;
  /** Reads of the store; what memory answered is not counted. */
  readonly storeReads: number;
  readonly cacheBytes: number;
  readonly pendingBytes: number;
  readonly recovery: {
    /** Bytes of a torn, never acknowledged tail that were cut off when it was opened. */
    readonly discarded: number;
    /** What was mended or missing without loss, such as one damaged copy of the hard state. */
    readonly notices: readonly string[];
  };
}

/** A `StorageEngine` made by the kit. */
export interface KitStorageEngine extends StorageEngine {
  readonly logStore: LogStore & Required<Pick<LogStore, 'damagedRanges' | 'repair'>>;
  /** Never waits; costs a few additions. */
  stats(): EngineStats;
}

/** What an {@link Engine} is made of. */
export interface EngineParts {
  readonly log: Log;
  readonly snapshots: SnapshotStore;
  readonly capabilities: Capabilities;
  readonly failure: AbortSignal;
  readonly stats: () => EngineStats;
  /** Waits for accepted writes and frees everything; called once. */
  readonly close: () => Promise<void>;
}

export class Engine implements KitStorageEngine {
  readonly logStore: Log;
  readonly metaStore: MetaStore;
  readonly snapshotStore: SnapshotStore;
  readonly capabilities: Capabilities;
  readonly failure: AbortSignal;
  readonly #parts: EngineParts;
  #closing: Promise<void> | undefined;

  constructor(parts: EngineParts) {
    const { log } = parts;
    this.#parts = parts;
    this.logStore = log;
    this.snapshotStore = parts.snapshots;
    this.capabilities = Object.freeze(parts.capabilities);
    this.failure = parts.failure;
    this.metaStore = {
      saveHardState: (state: HardState) => log.saveHardState(state),
      loadHardState: () => log.loadHardState(),
      flush: () => log.flush(),
    };
  }

  write(batch: WriteBatch): Promise<void> {
    return this.logStore.write(batch);
  }

  stats(): EngineStats {
    return this.#parts.stats();
  }

  close(): Promise<void> {
    this.#closing ??= this.#parts.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
