import type { StorageEngineBuilder } from '../src/conformance/builder.ts';
import {
  applyToModel,
  createModel,
  faultsOf,
  type LogModel,
  type LogOperation,
  modelEntry,
  modelFirstIndex,
  modelLastIndex,
  modelLastLogId,
  modelRange,
  modelTermAt,
} from '../src/conformance/model.ts';
import type { Entry, LogId } from '../src/entry.ts';
import { StorageError, type StorageErrorCode } from '../src/errors.ts';
import {
  type Capabilities,
  type Durability,
  encodedEntryBytes,
  type IndexRange,
  isStorageError,
  type LogStore,
  type MetaStore,
  type ReadOptions,
  type SnapshotInfo,
  type SnapshotMeta,
  type SnapshotStore,
  type StorageEngine,
  type StreamOptions,
  type WriteBatch,
} from '../src/index.ts';

const limit = 64 * 1024 * 1024;

/** What outlives a {@link ReferenceEngine}, if it says that anything does. */
export interface ReferencePlace {
  model: LogModel;
  /** Newest first. */
  snapshots: readonly StoredSnapshot[];
}

interface StoredSnapshot {
  readonly info: SnapshotInfo;
  readonly content: Uint8Array;
}

/** An engine in memory that does what the contract says in the plainest way; it is what the suite is tried on. */
export class ReferenceEngine implements StorageEngine {
  readonly capabilities: Capabilities;
  readonly failure: AbortSignal = new AbortController().signal;
  readonly model: LogModel;
  readonly logStore: LogStore = new ReferenceLog(this);
  readonly snapshotStore: SnapshotStore;
  readonly metaStore: MetaStore = {
    saveHardState: async (state) => this.change({ type: 'hardState', state }),
    loadHardState: async () => {
      this.mustBeOpen();
      return this.model.hardState;
    },
    flush: async () => this.mustBeOpen(),
  };
  readonly #closing = new AbortController();

  constructor(durability: Durability = 'volatile', place: ReferencePlace = emptyPlace()) {
    this.model = place.model;
    this.snapshotStore = new ReferenceSnapshots(this, place);
    this.capabilities = Object.freeze({
      adaptor: `reference-${durability}`,
      durability,
      exclusive: false,
      salvage: false,
      maxEntryBytes: limit,
      maxPendingBytes: limit,
    });
  }

  async write(batch: WriteBatch): Promise<void> {
    mustBeObject(batch);
    this.change({ type: 'write', batch });
  }

  /** Fires when the engine is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  mustBeOpen(): void {
    if (this.closing.aborted) throw failure('CLOSED');
  }

  change(operation: LogOperation): void {
    this.mustBeOpen();
    const copy = copyOf(operation);
    const [code] = this.faults(copy);
    if (code !== undefined) throw failure(code, this.model, copy);
    applyToModel(this.model, copy);
  }

  faults(operation: LogOperation): readonly StorageErrorCode[] {
    const { entries = [] } = operation.type === 'write' ? operation.batch : 'entries' in operation ? operation : {};
    const faults = validated(() => faultsOf(this.model, operation));
    return faults.length === 0 && entries.some(({ data }) => data.byteLength > limit) ? ['TOO_LARGE'] : faults;
  }
}

class ReferenceLog implements LogStore {
  readonly #engine: ReferenceEngine;

  constructor(engine: ReferenceEngine) {
    this.#engine = engine;
  }

  get isWriteDurable(): boolean {
    return this.#engine.capabilities.durability === 'sync';
  }

  get durableIndex(): number {
    return this.isWriteDurable ? this.lastIndex : 0;
  }

  get firstIndex(): number {
    return modelFirstIndex(this.#engine.model);
  }

  get lastIndex(): number {
    return modelLastIndex(this.#engine.model);
  }

  get lastLogId(): LogId | undefined {
    return modelLastLogId(this.#engine.model);
  }

  get purgeBoundary(): LogId | undefined {
    return this.#engine.model.boundary;
  }

  async persistEntries(entries: readonly Entry[]): Promise<void> {
    this.#engine.change({ type: 'append', entries });
  }

  async entry(index: number): Promise<Entry | undefined> {
    this.#engine.mustBeOpen();
    mustBeIndexes(index);
    return modelEntry(this.#engine.model, index);
  }

  async getEntries(first: number, last: number, options: ReadOptions = {}): Promise<Entry[]> {
    this.#engine.mustBeOpen();
    mustBeObject(options);
    const { maxBytes = Number.MAX_SAFE_INTEGER, exact, signal } = options;
    mustBeIndexes(first, last, maxBytes);
    if (signal?.aborted) throw failure('ABORTED');
    if (exact && first < this.firstIndex) throw failure('PURGED');
    if (exact && last > this.lastIndex) throw failure('NOT_FOUND');
    let bytes = 0;
    return modelRange(this.#engine.model, first, last).filter((entry, at) => {
      bytes += encodedEntryBytes(entry);
      return at === 0 || bytes <= maxBytes;
    });
  }

  entries(range: Partial<IndexRange> = {}, options: StreamOptions = {}): AsyncIterable<Entry> {
    const end = this.lastIndex;
    return this.#stream(range, this.firstIndex, end, options, [...this.#engine.model.entries]);
  }

  async *#stream(range: Partial<IndexRange>, start: number, end: number, options: StreamOptions, then: Entry[]) {
    mustBeObject(range);
    mustBeObject(options);
    const { first: from = start, last: to = end } = range;
    const { chunkBytes = 1 } = options;
    mustBeIndexes(from, to, chunkBytes);
    const [first, last] = [Math.max(start, from), Math.min(end, to)];
    for (let index = first; index <= last; index++) {
      this.#engine.mustBeOpen();
      if (options.signal?.aborted) throw failure('ABORTED');
      if (index < this.firstIndex) throw failure('PURGED');
      const entry = modelEntry(this.#engine.model, index);
      const lastNow = modelEntry(this.#engine.model, last);
      if (entry === undefined || !then.includes(entry) || lastNow === undefined || !then.includes(lastNow)) {
        throw failure('TRUNCATED');
      }
      yield entry;
    }
  }

  async termAt(index: number): Promise<number | undefined> {
    this.#engine.mustBeOpen();
    mustBeIndexes(index);
    return modelTermAt(this.#engine.model, index);
  }

  async purge(through: LogId): Promise<void> {
    this.#engine.change({ type: 'purge', through });
  }

  async truncate(fromIndex: number): Promise<void> {
    this.#engine.change({ type: 'truncate', fromIndex });
  }

  async replaceRange(fromIndex: number, entries: readonly Entry[]): Promise<void> {
    this.#engine.change({ type: 'replace', fromIndex, entries });
  }

  async flush(): Promise<void> {
    this.#engine.change({ type: 'flush' });
  }

  async reset(boundary?: LogId): Promise<void> {
    this.#engine.change(boundary === undefined ? { type: 'reset' } : { type: 'reset', boundary });
  }
}

class ReferenceSnapshots implements SnapshotStore {
  readonly #engine: ReferenceEngine;
  readonly #place: ReferencePlace;
  #saved = 0;

  constructor(engine: ReferenceEngine, place: ReferencePlace) {
    this.#engine = engine;
    this.#place = place;
  }

  async save(
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<SnapshotInfo> {
    this.#engine.mustBeOpen();
    const { lastIncluded, context } = validated(() => ({
      context: new Uint8Array(0),
      ...meta,
      signal: options.signal,
    }));
    validated(() => mustBeIndexes(lastIncluded.index, lastIncluded.term));
    if (!(context instanceof Uint8Array)) throw failure('INVALID_ARGUMENT');
    if (lastIncluded.index < 1 || lastIncluded.term < 1) throw failure('INVALID_ARGUMENT');
    if (context.length > 1024 * 1024) throw failure('TOO_LARGE');
    const chunks: Uint8Array[] = [];
    if (options.signal?.aborted) throw failure('ABORTED');
    const iterator = validated(() => source[Symbol.asyncIterator]());
    const ended = this.#ended(options.signal);
    for (;;) {
      const next = await Promise.race([iterator.next(), ended]);
      if (options.signal?.aborted) throw failure('ABORTED');
      this.#engine.mustBeOpen();
      if (next.done) break;
      if (!(next.value instanceof Uint8Array)) throw failure('INVALID_ARGUMENT');
      chunks.push(next.value.slice());
    }
    const content = new Uint8Array(Buffer.concat(chunks));
    const id = `${this.#place.snapshots.length}-${++this.#saved}`;
    const info = { id, lastIncluded: { ...lastIncluded }, context: context.slice(), size: content.length };
    this.#place.snapshots = [{ info, content }, ...this.#place.snapshots].sort(
      (a, b) => b.info.lastIncluded.index - a.info.lastIncluded.index,
    );
    return info;
  }

  /** Resolves as if the source had ended, when the signal fires or the engine is closed. */
  #ended(signal: AbortSignal | undefined): Promise<IteratorReturnResult<undefined>> {
    return new Promise((resolve) => {
      const end = (): void => resolve({ done: true, value: undefined });
      signal?.addEventListener('abort', end);
      this.#engine.closing.addEventListener('abort', end);
    });
  }

  async latest(): Promise<SnapshotInfo | undefined> {
    return (await this.list())[0];
  }

  async list(): Promise<SnapshotInfo[]> {
    this.#engine.mustBeOpen();
    return this.#place.snapshots.map(({ info }) => info);
  }

  async *open(id: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    this.#engine.mustBeOpen();
    if (typeof id !== 'string' || options === null) throw failure('INVALID_ARGUMENT');
    const found = this.#place.snapshots.find(({ info }) => info.id === id);
    if (found === undefined) throw failure('NOT_FOUND');
    for (let at = 0; at < found.content.length; at += 65_536) {
      if (options.signal?.aborted) throw failure('ABORTED');
      yield found.content.slice(at, at + 65_536);
    }
    if (options.signal?.aborted) throw failure('ABORTED');
  }

  async remove(id: string): Promise<void> {
    this.#engine.mustBeOpen();
    if (typeof id !== 'string') throw failure('INVALID_ARGUMENT');
    if (!this.#place.snapshots.some(({ info }) => info.id === id)) throw failure('NOT_FOUND');
    this.#place.snapshots = this.#place.snapshots.filter(({ info }) => info.id !== id);
  }

  async retain(count: number): Promise<void> {
    this.#engine.mustBeOpen();
    if (!Number.isSafeInteger(count) || count < 1) throw failure('INVALID_ARGUMENT');
    this.#place.snapshots = this.#place.snapshots.slice(0, count);
  }
}

/** Builds reference engines: `make` gives the engine, or a broken variant of it, for a place that `cleanup` empties. */
export class ReferenceBuilder implements StorageEngineBuilder {
  readonly #make: (place: ReferencePlace) => StorageEngine;
  readonly #place: ReferencePlace = emptyPlace();

  constructor(make: (place: ReferencePlace) => StorageEngine = () => new ReferenceEngine()) {
    this.#make = make;
  }

  async build(): Promise<StorageEngine> {
    return this.#make(this.#place);
  }

  async cleanup(): Promise<void> {
    Object.assign(this.#place, emptyPlace());
  }
}

function emptyPlace(): ReferencePlace {
  return { model: createModel(), snapshots: [] };
}

function copyOf(operation: LogOperation): LogOperation {
  return validated(() => structuredClone(operation));
}

// What isn't even an object of the right shape fails in the middle of being looked at.
function validated<Result>(look: () => Result): Result {
  try {
    return look();
  } catch (cause) {
    throw isStorageError(cause) ? cause : failure('INVALID_ARGUMENT');
  }
}

function mustBeObject(value: object): void {
  if (typeof value !== 'object' || value === null) throw failure('INVALID_ARGUMENT');
}

function mustBeIndexes(...values: number[]): void {
  if (!values.every((value) => Number.isSafeInteger(value) && value >= 0)) throw failure('INVALID_ARGUMENT');
}

function failure(code: StorageErrorCode, model?: LogModel, operation?: LogOperation): StorageError {
  const details = {
    expectedIndex: model === undefined ? 0 : modelLastIndex(model) + 1,
    actualIndex: operation?.type === 'append' ? operation.entries[0]?.index : undefined,
    accepted: model?.hardState,
    limit,
  };
  return new StorageError(code, `The reference engine refuses this: ${code}.`, details as never);
}
