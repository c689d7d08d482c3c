import { parentPort, workerData } from 'node:worker_threads';
import type { Block, BlockStore, BlockStoreContext } from '../block-store.ts';
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
      const result = await perform(store, request);
      send({ answer: result }, result !== undefined && 'bytes' in result ? [result.bytes.buffer] : []);
    } catch (error) {
      send({ error: sendError(error) });
    }
    // Nobody sends anything after this: the thread ends when it has nothing to listen to.
    if (request.call === 'close') port.close();
  }
}

async function perform(
  store: BlockStore,
  request: ThreadRequest,
): Promise<Extract<ThreadReply, { answer: unknown }>['answer']> {
  switch (request.call) {
    case 'open':
      return store.open();
    case 'commit':
      await store.commit(unpack(request.commit));
      return undefined;
    case 'readBlocks':
      return packed(await store.readBlocks(request.first, request.last, request.maxBytes));
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

/** In memory of its own, which can move to the other thread whatever the driver made its own of. */
function packed(blocks: readonly Block[]): FoundBlocks {
  const size = blocks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  const all = allocate(size);
  const ends: number[] = [];
  let end = 0;
  for (const { bytes } of blocks) {
    all.set(bytes, end);
    end += bytes.byteLength;
    ends.push(end);
  }
  return { keys: blocks.map(({ key }) => key), ends, bytes: all as Uint8Array<ArrayBuffer> };
}
