import { Worker } from 'node:worker_threads';
import { StorageError } from '@raftlog/core';
import type { Block, BlockStore, BlockStoreContext, Commit, OpenedBlocks } from '../block-store.ts';
import {
  type FoundBlocks,
  type PackedCommit,
  receiveError,
  type ThreadData,
  type ThreadReply,
  type ThreadRequest,
} from './messages.ts';

const MIN_SHARED_BYTES = 64 * 1024;
/** More than this is given up after the commit that needed it. */
const MAX_SHARED_BYTES = 4 * 1024 * 1024;

interface Waiting {
  readonly resolve: (answer: OpenedBlocks | FoundBlocks | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A block store in a thread of its own, for a driver whose calls block: {@link serveBlockStore} is the other side. Bytes are copied once
 * on their way in and moved on their way out, so the adaptor may say `keepsNoBlocks`.
 *
 * A thread that ends by itself (a crash of the driver, `process.exit`) fails the calls under way and all later ones with `STORE_FAILED`, which
 * poisons the engine: what the last commit came to, only a reopen can tell. It keeps the process alive while a call is under way and not else.
 */
export class ThreadedBlockStore implements BlockStore {
  readonly #module: URL;
  readonly #data: ThreadData;
  readonly #context: BlockStoreContext;
  /** Calls without an answer yet; answers come in the order of the calls. */
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #closing = false;
  #ended: StorageError<'STORE_FAILED'> | undefined;
  /** Commits are handed over in it: one at a time, so that one piece of memory does. */
  #shared: SharedArrayBuffer = new SharedArrayBuffer(MIN_SHARED_BYTES);

  /** `module` calls {@link serveBlockStore} with what makes the store; a plain `node` can import it. `settings` are handed to it, cloned. */
  constructor(module: URL, settings: unknown, context: BlockStoreContext) {
    const { directory, create, buffered, salvage, witnessedSequence } = context;
    this.#module = module;
    this.#data = { settings, context: { directory, create, buffered, salvage, witnessedSequence } };
    this.#context = context;
  }

  async open(): Promise<OpenedBlocks> {
    // No flags of the process: what it preloads is not for this thread.
    const worker = new Worker(this.#module, { name: 'raftlog-store', workerData: this.#data, execArgv: [] });
    this.#worker = worker;
    worker.unref();
    worker.on('message', (reply: ThreadReply) => this.#receive(reply));
    worker.on('messageerror', (error) => this.#end(error));
    worker.on('error', (error) => this.#end(error));
    this.#exited = new Promise((resolve) => {
      worker.on('exit', (code) => {
        this.#end(new Error(`it exited with code ${code}`));
        resolve();
      });
    });
    // What the store does beside the calls is a write too.
    this.#context.failure.addEventListener('abort', () =>
      worker.postMessage({ call: 'failure' } satisfies ThreadRequest),
    );
    return (await this.#call({ call: 'open' })) as OpenedBlocks;
  }

  async settle(): Promise<void> {
    await this.#call({ call: 'settle' });
  }

  async commit(commit: Commit): Promise<void> {
    await this.#call({ call: 'commit', commit: this.#pack(commit) });
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    const found = (await this.#call({ call: 'readBlocks', first, last, maxBytes })) as FoundBlocks;
    if ('pieces' in found) return found.pieces.map((bytes, i) => ({ key: found.keys[i] ?? 0, bytes }));
    const { keys, ends, bytes } = found;
    return keys.map((key, i) => ({ key, bytes: bytes.subarray(ends[i - 1] ?? 0, ends[i]) }));
  }

  async sync(): Promise<void> {
    await this.#call({ call: 'sync' });
  }

  /** Resolves when the thread has ended, and with it everything that it held open. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#worker?.ref();
    try {
      if (this.#worker !== undefined && this.#ended === undefined) await this.#call({ call: 'close' });
    } finally {
      await this.#exited;
    }
  }

  #call(request: ThreadRequest): Promise<OpenedBlocks | FoundBlocks | undefined> {
    const worker = this.#worker;
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (worker === undefined) return Promise.reject(new Error('The store is not open.'));
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) worker.ref();
      this.#waiting.push({ resolve, reject });
      worker.postMessage(request);
    });
  }

  #receive(reply: ThreadReply): void {
    if ('background' in reply) {
      this.#context.backgroundFailure(reply.background.operation, receiveError(reply.background.error));
      return;
    }
    const call = this.#waiting.shift();
    if (this.#waiting.length === 0 && !this.#closing) this.#worker?.unref();
    if ('error' in reply) call?.reject(receiveError(reply.error));
    else call?.resolve(reply.answer);
  }

  #end(cause: unknown): void {
    if (this.#ended !== undefined) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `The thread of the store ended: ${why}. Open the engine again: it shows what is durable.`;
    this.#ended = new StorageError('STORE_FAILED', message, { operation: 'run the store' }, { cause });
    if (!this.#closing && this.#waiting.length === 0) this.#context.backgroundFailure('run the store', this.#ended);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }

  #pack({ sequence, removeFrom, removeThrough, put, header }: Commit): PackedCommit {
    const size = put.reduce((sum, { bytes }) => sum + bytes.byteLength, header.byteLength);
    const memory = this.#sharedMemory(size);
    const target = new Uint8Array(memory);
    target.set(header);
    const keys: number[] = [];
    const ends: number[] = [];
    let end = header.byteLength;
    for (const { key, bytes } of put) {
      target.set(bytes, end);
      end += bytes.byteLength;
      keys.push(key);
      ends.push(end);
    }
    return { sequence, removeFrom, removeThrough, memory, headerEnd: header.byteLength, keys, ends };
  }

  #sharedMemory(bytes: number): SharedArrayBuffer {
    if (bytes <= this.#shared.byteLength) return this.#shared;
    if (bytes > MAX_SHARED_BYTES) return new SharedArrayBuffer(bytes);
    this.#shared = new SharedArrayBuffer(Math.min(MAX_SHARED_BYTES, 2 ** Math.ceil(Math.log2(bytes))));
    return this.#shared;
  }
}
