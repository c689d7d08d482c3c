import { isStorageError } from '@raftlog/core';
import { afterEach, describe, expect, test } from 'vitest';
import type { BlockStoreContext, Commit } from '../../src/block-store.ts';
import { nodeFileIo } from '../../src/io/node-file-io.ts';
import { ThreadedBlockStore } from '../../src/thread/threaded-block-store.ts';

const module = new URL('./map-worker.mjs', import.meta.url);
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const commit = (
  sequence: number,
  put: readonly (readonly [number, Uint8Array])[],
  more: Partial<Commit> = {},
): Commit => ({
  sequence,
  put: put.map(([key, value]) => ({ key, bytes: value })),
  header: bytes(`header ${sequence}`),
  ...more,
});

const opened: ThreadedBlockStore[] = [];
const background: [string, unknown][] = [];

function make(settings: object = {}): { store: ThreadedBlockStore; failure: AbortController } {
  const failure = new AbortController();
  const context: BlockStoreContext = {
    directory: '/nowhere',
    fileIo: nodeFileIo,
    create: true,
    buffered: false,
    salvage: false,
    witnessedSequence: 7,
    failure: failure.signal,
    backgroundFailure: (operation, error) => background.push([operation, error]),
  };
  const store = new ThreadedBlockStore(module, settings, context);
  opened.push(store);
  return { store, failure };
}

afterEach(async () => {
  background.length = 0;
  await Promise.allSettled(opened.splice(0).map((store) => store.close()));
});

const texts = async (store: ThreadedBlockStore, first: number, last: number): Promise<[number, string][]> =>
  (await store.readBlocks(first, last, 1)).map(({ key, bytes: value }) => [key, Buffer.from(value).toString()]);

describe('a block store in a thread', () => {
  test('takes commits in order and gives blocks back, whatever their size', async () => {
    const { store } = make({ headerAt: 1_000, discardedBytes: 12 });
    expect(await store.open()).toMatchObject({ header: undefined, lastIndex: undefined, discardedBytes: 12 });
    const large = new Uint8Array(5 << 20).fill(7);
    await store.commit(
      commit(1, [
        [3, bytes('three')],
        [2 ** 40, bytes('')],
      ]),
    );
    await store.commit(commit(2, [[9, large]]));
    await store.commit(commit(3, [[8, bytes('eight')]], { removeFrom: 2 ** 40, removeThrough: 2 }));
    expect(await texts(store, 1, 8)).toEqual([
      [3, 'three'],
      [8, 'eight'],
    ]);
    const [last] = await store.readBlocks(9, 9, 1);
    expect(Buffer.compare(last?.bytes ?? bytes(''), large)).toBe(0);
    expect(await store.readBlocks(10, 2 ** 50, 1)).toEqual([]);
    expect(await texts(store, 1_000, 1_000)).toEqual([[1_000, 'header 3']]);
  });

  test('copies what it is given, and gives memory that is never written again', async () => {
    const { store } = make();
    await store.open();
    const mine = bytes('before');
    const done = store.commit(commit(1, [[1, mine]]));
    mine.fill(0);
    await done;
    const found = await texts(store, 1, 1);
    await store.commit(commit(2, [[2, bytes('behind')]]));
    expect(found).toEqual([[1, 'before']]);
    expect(await texts(store, 1, 2)).toEqual([
      [1, 'before'],
      [2, 'behind'],
    ]);
  });

  test.each([true, false])(
    'gives large blocks again and again, whether their memory moves or not: %s',
    async (copies) => {
      const { store } = make({ copies });
      await store.open();
      const sizes = [4096, 70_000, 4097];
      await store.commit(
        commit(
          1,
          sizes.map((size, i) => [i + 1, new Uint8Array(size).fill(i + 1)]),
        ),
      );
      for (let read = 0; read < 3; read++) {
        const found = await store.readBlocks(1, 3, 1);
        expect(found.map(({ key, bytes }) => [key, bytes.byteLength, bytes.every((byte) => byte === key)])).toEqual(
          sizes.map((size, i) => [i + 1, size, true]),
        );
      }
    },
  );

  test('hands errors on with their codes and causes', async () => {
    const refusing = make({ refuse: true });
    const refusal: unknown = await refusing.store.open().catch((error: unknown) => error);
    expect(isStorageError(refusal, 'CORRUPTION')).toBe(true);
    expect(refusal).toMatchObject({
      message: 'damaged',
      details: { path: '/nowhere' },
      cause: { code: 'SQLITE_CORRUPT' },
    });
    const { store } = make({ throwAt: 5 });
    await store.open();
    await expect(store.commit(commit(1, [[5, bytes('x')]]))).rejects.toMatchObject({
      message: 'disk full',
      code: 'ENOSPC',
    });
  });

  test('a thread that is gone fails what waits for it and all that comes', async () => {
    const { store } = make({ exitAt: 5 });
    await store.open();
    const calls = [store.commit(commit(1, [[5, bytes('x')]])), store.readBlocks(1, 1, 1)];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await expect(store.sync()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: /exited with code 3.*Open the engine again/,
    });
    await store.close();
    expect(background).toEqual([]);
  });

  test('a module that is not there is a failed open', async () => {
    const context = {
      failure: new AbortController().signal,
      backgroundFailure: () => {},
    } as unknown as BlockStoreContext;
    const store = new ThreadedBlockStore(new URL('./nothing.mjs', import.meta.url), {}, context);
    await expect(store.open()).rejects.toMatchObject({ code: 'STORE_FAILED', message: /nothing\.mjs/ });
    await store.close();
  });

  test('tells the thread of a failure, and of nothing after the close', async () => {
    const { store, failure } = make();
    await store.open();
    failure.abort();
    await store.sync();
    expect(background).toMatchObject([['told of the failure', { message: 'stop' }]]);
    await store.close();
    await expect(store.readBlocks(1, 1, 1)).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  test('a close that fails still ends the thread', async () => {
    const { store } = make({ closeFails: true });
    await store.open();
    await expect(store.close()).rejects.toThrow('will not close');
    await store.close();
  });
});
