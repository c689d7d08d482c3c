import { parentPort, workerData } from 'node:worker_threads';
import type { Block, BlockStore, BlockStoreContext, OpenedBlocks } from '../block-store.ts';
import { allocate } from '../format/buffer-pool.ts';
import { nodeFileIo } from '../io/node-file-io.ts';
import {
  type FoundBlocks,
  type PackedCommit,
  sendError,
  type ThreadData,
  type ThreadReply,
  type ThreadRequest,
} from './messages.ts';

const LARGE_BLOCK_BYTES = 4096;

/** Options of {@link serveBlockStore}. */
export interface ServeOptions {
  /**
   * True: nobody but the caller has the memory that `readBlocks` answers with, so that it may move to the other thread. Otherwise it is
   * copied, and waits for the collector: tens of megabytes of it while a long log is read. Default: false.
   */
  readonly givesBlocksAway?: boolean;
}

/**
 * The thread's side of a {@link ThreadedBlockStore}: makes the store, and hands it one call after the other, reads too. Its calls may
 * block. What a commit brings is gone when the call has resolved: keep nothing of it.
 *
 * @example
 * ```ts
 * // my-worker.ts
 * serveBlockStore((settings: MySettings, context) => new MyBlocks(settings, context));
 * ```
 */
export function serveBlockStore<Settings>(
  makeStore: (settings: Settings, context: BlockStoreContext) => BlockStore,
  options: ServeOptions = {},
): void {
  if (parentPort === null) throw new Error('This module is started as a thread, by ThreadedBlockStore.');
  const port = parentPort;
  const send = (reply: ThreadReply, memory: readonly ArrayBuffer[] = []): void => port.postMessage(reply, memory);
  const failure = new AbortController();
  const { settings, context } = workerData as ThreadData;
  const store = makeStore(settings as Settings, {
    ...context,
    fileIo: nodeFileIo,
    failure: failure.signal,
    backgroundFailure: (operation, error) => send({ background: { operation, error: sendError(error) } }),
  });

  let previous: Promise<void> = Promise.resolve();
  port.on('message', (request: ThreadRequest) => {
    // Not queued: what it is to stop may be under way.
    if (request.call === 'failure') failure.abort();
    else previous = previous.then(() => answer(request));
  });

  async function answer(request: ThreadRequest): Promise<void> {
    try {
      if (request.call === 'readBlocks') {
        const found = await store.readBlocks(request.first, request.last, request.maxBytes);
        const [answer, memory] = options.givesBlocksAway === true && areLarge(found) ? moved(found) : packed(found);
        send({ answer }, memory);
      } else {
        send({ answer: await perform(store, request) });
      }
    } catch (error) {
      send({ error: sendError(error) });
    }
    // Nobody sends anything after this: the thread ends when it has nothing to listen to.
    if (request.call === 'close') port.close();
  }
}

async function perform(
  store: BlockStore,
  request: Exclude<ThreadRequest, { call: 'readBlocks' }>,
): Promise<OpenedBlocks | undefined> {
  switch (request.call) {
    case 'open':
      return store.open();
    case 'commit':
      await store.commit(unpack(request.commit));
      return undefined;
    case 'settle':
      await store.settle?.();
      return undefined;
    case 'sync':
      await store.sync?.();
      return undefined;
    case 'close':
    case 'failure':
      await store.close();
      return undefined;
  }
}

function unpack({ memory, headerEnd, keys, ends, ...commit }: PackedCommit): Parameters<BlockStore['commit']>[0] {
  const part = (start: number, end: number): Uint8Array => new Uint8Array(memory, start, end - start);
  const put = keys.map((key, i) => ({ key, bytes: part(ends[i - 1] ?? headerEnd, ends[i] ?? headerEnd) }));
  return { ...commit, put, header: part(0, headerEnd) };
}

/** Whether moving each block by itself costs less than copying it; each alone in its memory, of which no part can move. */
function areLarge(blocks: readonly Block[]): blocks is readonly { key: number; bytes: Uint8Array<ArrayBuffer> }[] {
  return blocks.every(
    ({ bytes }) =>
      bytes.byteLength >= LARGE_BLOCK_BYTES &&
      bytes.buffer instanceof ArrayBuffer &&
      bytes.byteLength === bytes.buffer.byteLength,
  );
}

function moved(blocks: readonly { key: number; bytes: Uint8Array<ArrayBuffer> }[]): [FoundBlocks, ArrayBuffer[]] {
  const pieces = blocks.map(({ bytes }) => new Uint8Array(bytes.buffer));
  return [{ keys: blocks.map(({ key }) => key), pieces }, pieces.map(({ buffer }) => buffer)];
}

/** In memory of its own, which can move to the other thread whatever the driver made its own of. */
function packed(blocks: readonly Block[]): [FoundBlocks, ArrayBuffer[]] {
  const size = blocks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  const all = allocate(size) as Uint8Array<ArrayBuffer>;
  const ends: number[] = [];
  let end = 0;
  for (const { bytes } of blocks) {
    all.set(bytes, end);
    end += bytes.byteLength;
    ends.push(end);
  }
  return [{ keys: blocks.map(({ key }) => key), ends, bytes: all }, [all.buffer]];
}
