import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  applyToModel,
  cloneModel,
  createModel,
  type LogModel,
  type LogOperation,
  modelFirstIndex,
  modelLastIndex,
  modelLastLogId,
  modelRange,
  modelTermAt,
} from '../src/conformance/model.ts';
import type { FileHandle, FileIo, FileLock } from '../src/file-io.ts';
import { type Entry, isStorageError, type StorageEngine, StorageError } from '../src/index.ts';

/** What a test breaks in the engine, to see the suite find it. */
export type Defect =
  | 'no-datasync'
  | 'no-datasync-of-votes'
  | 'no-directory-sync'
  | 'retries-datasync'
  | 'swallows-errors'
  | 'no-recovery-barrier'
  | 'replace-in-two-records'
  | 'acknowledges-early'
  | 'keeps-torn-tail'
  | 'forgets-poison'
  | 'log-before-vote'
  | 'lock-leaks'
  | 'durable-index-early';

/**
 * The simplest engine that keeps its promises: a file of operations, each a record that is synced before it is acknowledged, replayed and
 * written anew when the place is opened. For testing the cases themselves.
 */
export async function openTinyEngine(directory: string, io: FileIo, defect?: Defect): Promise<StorageEngine> {
  let lock: FileLock | undefined;
  try {
    await io.makeDirectory(directory);
    await io.syncDirectory(dirname(directory));
    lock = await io.lock(join(directory, 'lock'));
    if (lock === undefined) throw new StorageError('LOCKED', 'open elsewhere', { path: directory });
    return await openLocked(directory, io, lock, defect);
  } catch (error) {
    if (defect !== 'lock-leaks') await lock?.release();
    throw isStorageError(error) ? error : storeFailed(error);
  }
}

function storeFailed(error: unknown): StorageError {
  const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
  const cause = full ? new StorageError('NO_SPACE', 'the device is full', {}, { cause: error }) : error;
  return new StorageError('STORE_FAILED', 'the log could not be read or written', { operation: 'log' }, { cause });
}

async function openLocked(directory: string, io: FileIo, lock: FileLock, defect?: Defect): Promise<StorageEngine> {
  const path = join(directory, 'log');
  const saveSnapshot = async (): Promise<never> => {
    try {
      const handle = await io.open(join(directory, 'snapshot.new'), 'create');
      await handle.write([new Uint8Array(10)], 0);
      await handle.datasync();
      await handle.close();
      await io.rename(join(directory, 'snapshot.new'), join(directory, 'snapshot'));
      await io.syncDirectory(directory);
    } catch (error) {
      throw storeFailed(error);
    }
    throw new StorageError('UNSUPPORTED', 'no snapshots', { feature: 'snapshots' });
  };
  const model = createModel();
  const exists = (await io.list(directory)).includes('log');
  let end = 0;
  if (exists) {
    const handle = await io.open(path, 'read');
    const bytes = new Uint8Array(await handle.size());
    await handle.read(bytes, 0);
    await handle.close();
    for (const record of records(bytes)) {
      for (const operation of record.operations) applyToModel(model, operation);
      end = record.end;
    }
  }
  if (defect === 'no-recovery-barrier' || defect === 'keeps-torn-tail') {
    const handle = await io.open(path, 'create');
    await io.syncDirectory(directory);
    if (defect === 'keeps-torn-tail') end = await handle.size();
    return new TinyEngine({ model, handle, end, lock, defect, saveSnapshot });
  }
  const handle = await io.open(`${path}.new`, 'create');
  const bytes = encode([
    { type: 'reset', ...(model.boundary === undefined ? {} : { boundary: model.boundary }) },
    { type: 'append', entries: model.entries },
    ...(model.hardState === undefined ? [] : [{ type: 'hardState', state: model.hardState } as const]),
  ]);
  await handle.truncate(0);
  await handle.write([bytes], 0);
  await handle.datasync();
  await io.rename(`${path}.new`, path);
  if (defect !== 'no-directory-sync') await io.syncDirectory(directory);
  return new TinyEngine({ model, handle, end: bytes.length, lock, defect, saveSnapshot });
}

function encode(operations: readonly LogOperation[]): Uint8Array {
  const json = JSON.stringify(operations, (_key, value: unknown) =>
    value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value,
  );
  const body = Buffer.from(json);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(crc32(body), 4);
  return new Uint8Array(Buffer.concat([head, body]));
}

function* records(bytes: Uint8Array): Generator<{ operations: LogOperation[]; end: number }> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= view.length; ) {
    const end = at + 8 + view.readUInt32LE(at);
    if (end === at + 8 || end > view.length) return;
    const body = view.subarray(at + 8, end);
    if (crc32(body) !== view.readUInt32LE(at + 4)) return;
    const operations = JSON.parse(body.toString(), (_key, value: unknown) =>
      typeof value === 'object' && value !== null && 'base64' in value
        ? new Uint8Array(Buffer.from(String(value.base64), 'base64'))
        : value,
    ) as LogOperation[];
    yield { operations, end };
    at = end;
  }
}

interface TinyParts {
  readonly model: LogModel;
  readonly handle: FileHandle;
  readonly end: number;
  readonly lock: FileLock;
  readonly defect: Defect | undefined;
  readonly saveSnapshot: () => Promise<never>;
}

class TinyEngine implements StorageEngine {
  readonly capabilities = {
    adaptor: 'tiny',
    durability: 'sync',
    exclusive: true,
    salvage: false,
    maxEntryBytes: 2 ** 26,
    maxPendingBytes: 2 ** 26,
  } as const;
  readonly #controller = new AbortController();
  readonly failure: AbortSignal = this.#controller.signal;
  readonly #model: LogModel;
  readonly #handle: FileHandle;
  readonly #lock: FileLock;
  readonly #defect: Defect | undefined;
  readonly #saveSnapshot: () => Promise<never>;
  readonly #pending = new Set<{ durable: number }>();
  #end: number;
  #durable: number;
  #queue: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(parts: TinyParts) {
    this.#model = parts.model;
    this.#handle = parts.handle;
    this.#end = parts.end;
    this.#lock = parts.lock;
    this.#defect = parts.defect;
    this.#saveSnapshot = parts.saveSnapshot;
    this.#durable = modelLastIndex(parts.model);
  }

  readonly logStore: StorageEngine['logStore'] = this.#logStore();
  readonly metaStore: StorageEngine['metaStore'] = {
    saveHardState: (state) => this.#do({ type: 'hardState', state }),
    loadHardState: async () => this.#model.hardState,
    flush: () => this.#do({ type: 'flush' }),
  };

  // Enough to see that a snapshot that fails does no harm.
  get snapshotStore(): StorageEngine['snapshotStore'] {
    const none = (): never => {
      throw new StorageError('UNSUPPORTED', 'no snapshots', { feature: 'snapshots' });
    };
    return { save: this.#saveSnapshot, list: async () => [], latest: none, open: none, remove: none, retain: none };
  }

  async write(batch: Parameters<StorageEngine['write']>[0]): Promise<void> {
    const { hardState, ...rest } = batch;
    if (this.#defect === 'log-before-vote' && hardState !== undefined) {
      await Promise.all([this.#do({ type: 'write', batch: rest }), this.#do({ type: 'hardState', state: hardState })]);
    } else {
      await this.#do({ type: 'write', batch });
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#queue.then(async () => {
      await Promise.allSettled([this.#handle.close(), this.#lock.release()]);
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #do(operation: LogOperation): Promise<void> {
    if (this.#closed !== undefined) throw new StorageError('CLOSED', 'closed', {});
    this.#checkPoison();
    const last = modelLastIndex(this.#model);
    const refusals = applyToModel(this.#model, operation);
    if (refusals[0] !== undefined)
      throw new StorageError('INVALID_ARGUMENT', refusals.join(), { argument: '', received: '' });
    this.#drop(operation, last);
    const commit = { durable: modelLastIndex(this.#model) };
    this.#pending.add(commit);
    if (this.#defect === 'durable-index-early') this.#durable = commit.durable;
    const done = this.#queue.then(async () => {
      this.#checkPoison();
      await this.#store(operation);
      this.#pending.delete(commit);
      this.#durable = Math.max(commit.durable, this.#durable);
    });
    this.#queue = done.catch(() => undefined);
    if (this.#defect !== 'acknowledges-early') await done;
    else done.catch(() => undefined);
  }

  #drop(operation: LogOperation, last: number): void {
    let end = last;
    if ('fromIndex' in operation) end = operation.fromIndex - 1;
    if (operation.type === 'write') end = (operation.batch.truncateFrom ?? last + 1) - 1;
    if (operation.type === 'reset') end = 0;
    for (const commit of this.#pending) commit.durable = Math.min(commit.durable, end);
    this.#durable = Math.min(this.#durable, end);
  }

  async #store(operation: LogOperation): Promise<void> {
    try {
      if (this.#defect === 'replace-in-two-records' && operation.type === 'replace') {
        await this.#record({ type: 'truncate', fromIndex: operation.fromIndex });
        await this.#record({ type: 'append', entries: operation.entries });
      } else {
        await this.#record(operation);
      }
    } catch (cause) {
      if (this.#defect === 'swallows-errors') return;
      const error = storeFailed(cause);
      if (this.#defect !== 'forgets-poison') this.#controller.abort(error);
      throw error;
    }
  }

  async #record(operation: LogOperation): Promise<void> {
    const bytes = encode([operation]);
    await this.#handle.write([bytes], this.#end);
    this.#end += bytes.length;
    if (this.#defect === 'no-datasync') return;
    if (this.#defect === 'no-datasync-of-votes' && operation.type === 'hardState') return;
    if (this.#defect === 'retries-datasync') await this.#handle.datasync().catch(() => this.#handle.datasync());
    else await this.#handle.datasync();
  }

  #checkPoison(): void {
    if (!this.failure.aborted) return;
    throw new StorageError('STORE_FAILED', 'failed earlier', { operation: 'write' }, { cause: this.failure.reason });
  }

  #logStore(): StorageEngine['logStore'] {
    const engine = this;
    const range = (first: number, last: number): Entry[] => {
      const entries = modelRange(engine.#model, first, last);
      if ((entries.at(-1)?.index ?? 0) > engine.#durable) engine.#checkPoison();
      return entries;
    };
    return {
      get firstIndex(): number {
        return modelFirstIndex(engine.#model);
      },
      get lastIndex(): number {
        return modelLastIndex(engine.#model);
      },
      get lastLogId() {
        return modelLastLogId(engine.#model);
      },
      get durableIndex(): number {
        return engine.#durable;
      },
      get purgeBoundary() {
        return engine.#model.boundary;
      },
      isWriteDurable: true,
      persistEntries: (entries) => engine.#do({ type: 'append', entries: entries.map((entry) => ({ ...entry })) }),
      entry: async (index) => range(index, index)[0],
      getEntries: async (first, last) => range(first, last),
      async *entries(wanted) {
        yield* range(wanted?.first ?? 1, wanted?.last ?? engine.logStore.lastIndex);
      },
      termAt: async (index) => modelTermAt(cloneModel(engine.#model), index),
      purge: (through) => engine.#do({ type: 'purge', through }),
      truncate: (fromIndex) => engine.#do({ type: 'truncate', fromIndex }),
      replaceRange: (fromIndex, entries) => engine.#do({ type: 'replace', fromIndex, entries }),
      flush: () => engine.#do({ type: 'flush' }),
      reset: (boundary) => engine.#do({ type: 'reset', ...(boundary === undefined ? {} : { boundary }) }),
    };
  }
}
