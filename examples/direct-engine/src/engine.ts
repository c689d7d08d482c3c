import { resolve } from 'node:path';
import type {
  Capabilities,
  FileIo,
  FileLock,
  LogStore,
  MetaStore,
  SnapshotStore,
  StorageEngine,
  WriteBatch,
} from '@raftlog/core';
import { checkIndex, checkInteger, invalid } from './arguments.ts';
import { CommitQueue } from './commit-queue.ts';
import { DirectLog } from './direct-log.ts';
import { DirectMeta } from './direct-meta.ts';
import { HardStatePair } from './hard-state-pair.ts';
import { Journal } from './journal.ts';
import { nodeFileIo } from './node-file-io.ts';
import { claim, makeStore } from './place.ts';
import { SnapshotDirectory } from './snapshots.ts';
import { asStorageError } from './system-errors.ts';

const mebibyte = 1024 * 1024;

export interface DirectEngineOptions {
  readonly directory: string;
  /** Default: the real file system. */
  readonly fileIo?: FileIo;
  /** Default: 64 MiB. */
  readonly maxPendingBytes?: number;
  /** The journal is rewritten when it is larger than this and more than half of it is of no use any more. Default: 1 MiB. */
  readonly compactAboveBytes?: number;
  /** Told of failures that cost no data, such as that of giving back space. */
  readonly onBackgroundFailure?: (operation: string, error: unknown) => void;
}

interface Parts {
  readonly lock: FileLock;
  readonly journal: Journal;
  readonly pair: HardStatePair;
  readonly snapshots: SnapshotDirectory;
  readonly queue: CommitQueue;
  readonly maxPendingBytes: number;
  readonly report: (operation: string, error: unknown) => void;
}

/** A storage engine written straight against the traits. The log lives in memory and in one journal file. */
export class DirectStorageEngine implements StorageEngine {
  readonly capabilities: Capabilities;
  readonly #parts: Parts;
  readonly #log: DirectLog;
  readonly #meta: DirectMeta;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts) {
    this.capabilities = {
      adaptor: '@raftlog/example-direct-engine',
      durability: 'sync',
      exclusive: true,
      salvage: false,
      maxEntryBytes: 64 * mebibyte,
      maxPendingBytes: parts.maxPendingBytes,
    };
    this.#parts = parts;
    this.#log = new DirectLog(parts.journal, parts.queue, this.capabilities);
    this.#meta = new DirectMeta(parts.pair, parts.queue);
  }

  static async open(options: DirectEngineOptions): Promise<DirectStorageEngine> {
    if (typeof options.directory !== 'string' || options.directory === '') {
      throw invalid('directory', options.directory, 'a path');
    }
    const { maxPendingBytes = 64 * mebibyte, compactAboveBytes = mebibyte } = options;
    checkInteger('maxPendingBytes', maxPendingBytes, 1, Number.MAX_SAFE_INTEGER);
    checkInteger('compactAboveBytes', compactAboveBytes, 0, Number.MAX_SAFE_INTEGER);
    try {
      return await DirectStorageEngine.#openPlace(options, maxPendingBytes, compactAboveBytes);
    } catch (error) {
      throw asStorageError('open', error);
    }
  }

  static async #openPlace(
    { directory, fileIo: io = nodeFileIo, onBackgroundFailure: report = () => undefined }: DirectEngineOptions,
    maxPendingBytes: number,
    compactAboveBytes: number,
  ): Promise<DirectStorageEngine> {
    const place = await claim(io, resolve(directory));
    const opened: { close(): Promise<void> }[] = [{ close: () => place.lock.release() }];
    try {
      const journalOptions = {
        compactAboveBytes,
        onRewriteFailure: (error: unknown) => report('rewrite the journal', error),
      };
      if (!place.complete) await makeStore(io, place);
      // All is read and found good before the first byte is changed.
      const pair = await HardStatePair.load(io, place.directory);
      opened.push(pair);
      const journal = place.complete
        ? await Journal.load(io, place.journal, journalOptions)
        : Journal.create(io, place.journal, journalOptions);
      opened.push(journal);
      await journal.rewrite();
      await pair.recover();
      const queue = new CommitQueue();
      const snapshots = await SnapshotDirectory.open(io, place.snapshots, queue, report);
      return new DirectStorageEngine({ lock: place.lock, journal, pair, snapshots, queue, maxPendingBytes, report });
    } catch (error) {
      await closeAll(opened.reverse(), report);
      throw error;
    }
  }

  get logStore(): LogStore {
    return this.#log;
  }

  get metaStore(): MetaStore {
    return this.#meta;
  }

  get snapshotStore(): SnapshotStore {
    return this.#parts.snapshots;
  }

  get failure(): AbortSignal {
    return this.#parts.queue.failure;
  }

  async write(batch: WriteBatch): Promise<void> {
    const { queue } = this.#parts;
    queue.checkWritable();
    if (typeof batch !== 'object' || batch === null) throw invalid('batch', batch, 'an object');
    const { hardState, truncateFrom, entries = [] } = batch;
    if (truncateFrom !== undefined) checkIndex('truncateFrom', truncateFrom);
    // Both are planned before either is accepted: refused whole if any part is refused.
    const state = hardState === undefined ? undefined : this.#meta.plan(hardState);
    const change = this.#log.planReplace(truncateFrom, entries);
    const steps = [state && this.#meta.accept(state), change && this.#log.accept(change)];
    await queue.commit('write', async () => {
      for (const step of steps) await step?.();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { queue, snapshots, journal, pair, lock, report } = this.#parts;
    await Promise.all([queue.close(), snapshots.close()]);
    const end = { close: async () => (queue.failure.aborted ? undefined : journal.end()) };
    await closeAll([end, journal, pair, { close: () => lock.release() }], report);
  }
}

/** Closes each of them, whatever becomes of the others. All that counts is durable before, so a failure is worth a report only. */
async function closeAll(
  resources: readonly { close(): Promise<void> }[],
  report: (operation: string, error: unknown) => void,
): Promise<void> {
  for (const resource of resources) {
    try {
      await resource.close();
    } catch (error) {
      report('close', error);
    }
  }
}
