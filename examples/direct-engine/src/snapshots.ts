import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  type FileHandle,
  type FileIo,
  type SnapshotInfo,
  type SnapshotMeta,
  type SnapshotStore,
  StorageError,
} from '@raftlog/core';
import { checkInteger, checkLogId, checkObject, invalid } from './arguments.ts';
import type { CommitQueue } from './commit-queue.ts';
import { moveIntoPlace, temporaryName, writeTemporary } from './files.ts';
import { asStorageError, systemCode } from './system-errors.ts';

// file     header, then the content in chunks of 256 KiB, the last one shorter
// header   checksum u32 of the rest, length of the context u32, index f64, term f64, size f64, order f64, context
// chunk    checksum u32 of its number (f64) and its bytes, bytes
const fixedHeaderBytes = 40;
const chunkHeaderBytes = 4;
const chunkBytes = 256 * 1024;
const maxContextBytes = 1024 * 1024;
const extension = '.snapshot';
const idPattern = /^\d+-\d+-[0-9a-f-]{36}$/;

interface StoredSnapshot extends SnapshotInfo {
  /** Rises with every save: of two snapshots of one index it tells which came last. */
  readonly order: number;
}

/** One file per snapshot, whole or not there. */
export class SnapshotDirectory implements SnapshotStore {
  readonly #io: FileIo;
  readonly #directory: string;
  readonly #queue: CommitQueue;
  readonly #stored = new Map<string, StoredSnapshot>();
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  private constructor(io: FileIo, directory: string, queue: CommitQueue) {
    this.#io = io;
    this.#directory = directory;
    this.#queue = queue;
  }

  static async open(
    io: FileIo,
    directory: string,
    queue: CommitQueue,
    report: (operation: string, error: unknown) => void,
  ): Promise<SnapshotDirectory> {
    const opened = new SnapshotDirectory(io, directory, queue);
    await opened.#scan(report);
    return opened;
  }

  save(
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<SnapshotInfo> {
    return this.#run('save the snapshot', async () => {
      this.#queue.checkWritable();
      checkObject('meta', meta);
      checkObject('options', options);
      const lastIncluded = checkLogId('meta.lastIncluded', meta.lastIncluded, 1);
      const context = copyContext(meta.context);
      const id = `${lastIncluded.index}-${lastIncluded.term}-${randomUUID()}`;
      const path = this.#path(id);
      let snapshot: StoredSnapshot | undefined;
      try {
        await writeTemporary(this.#io, path, async (handle) => {
          const start = fixedHeaderBytes + context.byteLength;
          const size = await writeContent(handle, start, this.#guard(source, options.signal));
          snapshot = { id, lastIncluded, context, size, order: this.#nextOrder() };
          await handle.write([encodeHeader(snapshot)], 0);
        });
        this.#checkNotStopped(options.signal);
        await moveIntoPlace(this.#io, path);
      } catch (error) {
        // What can't be removed now goes at the next open; what failed is more worth telling.
        await this.#removeIfPresent(temporaryName(path)).catch(() => undefined);
        await this.#removeIfPresent(path).catch(() => undefined);
        throw error;
      }
      if (!snapshot) throw new Error('The snapshot was not written.');
      this.#stored.set(id, snapshot);
      return publicInfo(snapshot);
    });
  }

  async latest(): Promise<SnapshotInfo | undefined> {
    return (await this.list())[0];
  }

  async list(): Promise<SnapshotInfo[]> {
    this.#queue.checkOpen();
    return this.#newestFirst().map(publicInfo);
  }

  async *open(id: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    this.#queue.checkOpen();
    checkObject('options', options);
    checkId(id);
    const info = await this.#run('read the snapshot', () => this.#readInfo(id));
    const start = fixedHeaderBytes + info.context.byteLength;
    for (let offset = 0, number = 0; offset < info.size; number++) {
      this.#checkNotStopped(options.signal);
      const length = Math.min(chunkBytes, info.size - offset);
      const position = start + number * (chunkHeaderBytes + chunkBytes);
      const chunk = await this.#run('read the snapshot', () => this.#readChunk(id, number, position, length));
      this.#checkNotStopped(options.signal);
      yield chunk;
      offset += length;
    }
  }

  remove(id: string): Promise<void> {
    return this.#run('remove the snapshot', async () => {
      this.#queue.checkWritable();
      checkId(id);
      if (!this.#stored.has(id)) throw notFound(id);
      await this.#removeAll([id]);
    });
  }

  retain(count: number): Promise<void> {
    return this.#run('remove snapshots', async () => {
      this.#queue.checkWritable();
      checkInteger('count', count, 1, Number.MAX_SAFE_INTEGER);
      await this.#removeAll(
        this.#newestFirst()
          .slice(count)
          .map(({ id }) => id),
      );
    });
  }

  /** Stops what is under way and waits for it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
  }

  async #scan(report: (operation: string, error: unknown) => void): Promise<void> {
    for (const name of await this.#io.list(this.#directory)) {
      if (name.endsWith(temporaryName(extension))) await this.#io.remove(join(this.#directory, name));
      const id = name.slice(0, -extension.length);
      if (!name.endsWith(extension) || !idPattern.test(id)) continue;
      try {
        this.#stored.set(id, await this.#readInfo(id));
      } catch (error) {
        // The file stays, and the older ones stay usable. Without its header there is nothing true to list of it.
        report(`read the snapshot ${id}`, error);
      }
    }
    // A rename that a killed process did not come to sync.
    await this.#io.syncDirectory(this.#directory);
  }

  #newestFirst(): StoredSnapshot[] {
    return [...this.#stored.values()].sort(
      (a, b) =>
        b.lastIncluded.index - a.lastIncluded.index || b.lastIncluded.term - a.lastIncluded.term || b.order - a.order,
    );
  }

  #nextOrder(): number {
    return Math.max(0, ...[...this.#stored.values()].map(({ order }) => order)) + 1;
  }

  async #removeAll(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      this.#stored.delete(id);
      await this.#removeIfPresent(this.#path(id));
    }
    if (ids.length > 0) await this.#io.syncDirectory(this.#directory);
  }

  async #readInfo(id: string): Promise<StoredSnapshot> {
    return this.#withFile(id, async (handle) => {
      const fixed = await readExactly(handle, 0, fixedHeaderBytes);
      const contextBytes = fixed?.readUInt32LE(4) ?? 0;
      const header = contextBytes <= maxContextBytes && (await readExactly(handle, 0, fixedHeaderBytes + contextBytes));
      if (!header || crc32(header.subarray(4)) !== header.readUInt32LE(0)) throw this.#damaged(id, 0);
      return decodeHeader(id, header);
    });
  }

  async #readChunk(id: string, number: number, position: number, length: number): Promise<Uint8Array> {
    return this.#withFile(id, async (handle) => {
      const bytes = await readExactly(handle, position, chunkHeaderBytes + length);
      const content = bytes?.subarray(chunkHeaderBytes);
      if (!bytes || !content || chunkChecksum(number, content) !== bytes.readUInt32LE(0)) {
        throw this.#damaged(id, position);
      }
      return content;
    });
  }

  /** Opened for each read: a reader that stops halfway then leaves nothing open. */
  async #withFile<Result>(id: string, use: (handle: FileHandle) => Promise<Result>): Promise<Result> {
    let handle: FileHandle;
    try {
      handle = await this.#io.open(this.#path(id), 'read');
    } catch (error) {
      throw systemCode(error) === 'ENOENT' ? notFound(id) : error;
    }
    try {
      return await use(handle);
    } finally {
      await handle.close();
    }
  }

  /** Lets `close` wait for the work, and explains the errors of the file system; those of a source pass as they are. */
  async #run<Result>(operation: string, work: () => Promise<Result>): Promise<Result> {
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw error instanceof SourceError ? error.cause : asStorageError(operation, error);
    } finally {
      this.#running.delete(running);
    }
  }

  async *#guard(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const stop = AbortSignal.any(signal ? [signal, this.#closing.signal] : [this.#closing.signal]);
    if (typeof source?.[Symbol.asyncIterator] !== 'function') throw invalid('source', source, 'an async iterable');
    const iterator = source[Symbol.asyncIterator]();
    let ended = false;
    try {
      while (!ended) {
        this.#checkNotStopped(signal);
        const next = await nextUnlessStopped(iterator, stop);
        ended = next === undefined || next.done === true;
        this.#checkNotStopped(signal);
        if (!next || next.done) continue;
        if (!(next.value instanceof Uint8Array)) throw invalid('source', next.value, 'chunks that are Uint8Arrays');
        yield next.value;
      }
    } finally {
      // Not awaited: a source that hangs in next() would never answer.
      if (!ended) void iterator.return?.()?.then(undefined, () => undefined);
    }
  }

  #checkNotStopped(signal: AbortSignal | undefined): void {
    this.#queue.checkOpen();
    if (signal?.aborted) throw new StorageError('ABORTED', 'Aborted by its signal.', {}, { cause: signal.reason });
  }

  #damaged(id: string, offset: number): StorageError<'CORRUPTION'> {
    const message = `Snapshot ${id} is damaged. Use an older one, or fetch it anew from another node.`;
    return new StorageError('CORRUPTION', message, { path: this.#path(id), offset });
  }

  #path(id: string): string {
    return join(this.#directory, `${id}${extension}`);
  }

  async #removeIfPresent(path: string): Promise<void> {
    try {
      await this.#io.remove(path);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }
}

/** What the source threw: the caller's own error, which it gets back as it is. */
class SourceError extends Error {}

/** The next chunk, or `undefined` as soon as `stop` fires, even while the source hangs. */
function nextUnlessStopped(
  iterator: AsyncIterator<Uint8Array>,
  stop: AbortSignal,
): Promise<IteratorResult<Uint8Array> | undefined> {
  return new Promise((resolve, reject) => {
    const onStop = (): void => resolve(undefined);
    stop.addEventListener('abort', onStop, { once: true });
    iterator
      .next()
      .then(resolve, (cause: unknown) => reject(new SourceError('The source failed.', { cause })))
      .finally(() => stop.removeEventListener('abort', onStop));
  });
}

/** Writes the chunks from `start` on; resolves to the size of the content. */
async function writeContent(handle: FileHandle, start: number, source: AsyncIterable<Uint8Array>): Promise<number> {
  const buffer = Buffer.alloc(chunkBytes);
  let used = 0;
  let size = 0;
  let position = start;
  let number = 0;
  const writeChunk = async (): Promise<void> => {
    const content = buffer.subarray(0, used);
    const header = Buffer.alloc(chunkHeaderBytes);
    header.writeUInt32LE(chunkChecksum(number, content));
    await handle.write([header, content], position);
    position += chunkHeaderBytes + used;
    number++;
    used = 0;
  };
  for await (const bytes of source) {
    for (let done = 0; done < bytes.byteLength; ) {
      const taken = Math.min(bytes.byteLength - done, chunkBytes - used);
      buffer.set(bytes.subarray(done, done + taken), used);
      used += taken;
      done += taken;
      size += taken;
      if (used === chunkBytes) await writeChunk();
    }
  }
  if (used > 0) await writeChunk();
  return size;
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(length);
  return (await handle.read(bytes, position)) === length ? bytes : undefined;
}

function chunkChecksum(number: number, content: Uint8Array): number {
  const prefix = Buffer.alloc(8);
  prefix.writeDoubleLE(number);
  return crc32(content, crc32(prefix));
}

function encodeHeader({ lastIncluded, context, size, order }: StoredSnapshot): Buffer {
  const header = Buffer.alloc(fixedHeaderBytes + context.byteLength);
  header.writeUInt32LE(context.byteLength, 4);
  header.writeDoubleLE(lastIncluded.index, 8);
  header.writeDoubleLE(lastIncluded.term, 16);
  header.writeDoubleLE(size, 24);
  header.writeDoubleLE(order, 32);
  header.set(context, fixedHeaderBytes);
  header.writeUInt32LE(crc32(header.subarray(4)), 0);
  return header;
}

function decodeHeader(id: string, header: Buffer): StoredSnapshot {
  return {
    id,
    lastIncluded: { index: header.readDoubleLE(8), term: header.readDoubleLE(16) },
    context: new Uint8Array(header.subarray(fixedHeaderBytes)),
    size: header.readDoubleLE(24),
    order: header.readDoubleLE(32),
  };
}

function publicInfo({ id, lastIncluded, context, size }: StoredSnapshot): SnapshotInfo {
  return { id, lastIncluded: { ...lastIncluded }, context: new Uint8Array(context), size };
}

function copyContext(context: Uint8Array | undefined): Uint8Array {
  if (context === undefined) return new Uint8Array();
  if (!(context instanceof Uint8Array)) throw invalid('meta.context', context, 'a Uint8Array');
  if (context.byteLength > maxContextBytes) {
    const message = `The context has ${context.byteLength} bytes, the limit is ${maxContextBytes}. Put it into the content.`;
    throw new StorageError('TOO_LARGE', message, { bytes: context.byteLength, limit: maxContextBytes });
  }
  return new Uint8Array(context);
}

function checkId(id: unknown): void {
  if (typeof id !== 'string') throw invalid('id', id, 'the id of a snapshot');
  // An id becomes a file name.
  if (!idPattern.test(id)) throw notFound(id);
}

function notFound(id: string): StorageError<'NOT_FOUND'> {
  const message = `There is no snapshot ${id}. Ask list() for those that there are.`;
  return new StorageError('NOT_FOUND', message, { snapshotId: id });
}
