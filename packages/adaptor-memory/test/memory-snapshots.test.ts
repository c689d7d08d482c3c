import { isStorageError, type SnapshotInfo } from '@raftlog/core';
import { expect, test } from 'vitest';
import { MemorySnapshots } from '../src/memory-snapshots.ts';

const id = (index: number, term = 1) => ({ lastIncluded: { index, term } });

async function* source(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function contentOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return Buffer.concat(found);
}

test('saves, lists and delivers, newest first', async () => {
  const store = new MemorySnapshots();
  const saved: SnapshotInfo[] = [];
  for (const [index, term] of [
    [5, 1],
    [10, 1],
    [10, 2],
    [5, 1],
  ] as const) {
    saved.push(
      await store.save({ ...id(index, term), context: Buffer.from('c') }, source(new Uint8Array(600_000).fill(index))),
    );
  }
  expect(await store.list()).toEqual([saved[2], saved[1], saved[3], saved[0]]);
  expect(await store.latest()).toEqual(saved[2]);
  expect((await contentOf(store.open(saved[1]?.id ?? ''))).equals(Buffer.alloc(600_000, 10))).toBe(true);
  await store.retain(3);
  expect(await store.list()).toEqual([saved[2], saved[1], saved[3]]);
  await store.remove(saved[2]?.id ?? '');
  await store.retain(1);
  expect(await store.list()).toEqual([saved[1]]);
});

test('retain keeps the newest, also when one of them is removed meanwhile', async () => {
  const store = new MemorySnapshots();
  const saved: SnapshotInfo[] = [];
  for (let index = 1; index <= 5; index++) saved.push(await store.save(id(index), source(new Uint8Array(10))));
  await Promise.all([store.retain(2), store.remove(saved[3]?.id ?? '')]);
  expect(await store.list()).toEqual([saved[4]]);
});

test('what was delivered can be changed without harm', async () => {
  const store = new MemorySnapshots();
  const buffer = new Uint8Array(10).fill(1);
  const info = await store.save({ ...id(1), context: buffer }, source(buffer));
  buffer.fill(2);
  info.context.fill(3);
  for await (const chunk of store.open(info.id)) chunk.fill(4);
  expect((await contentOf(store.open(info.id))).equals(Buffer.alloc(10, 1))).toBe(true);
  expect((await store.latest())?.context).toEqual(new Uint8Array(10).fill(1));
});

test('a source that fails leaves nothing; a closed store answers CLOSED', async () => {
  const store = new MemorySnapshots();
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(10);
    throw new Error('own');
  };
  await expect(store.save(id(1), failing())).rejects.toThrow('own');
  expect(await store.list()).toEqual([]);
  await store.close();
  expect(isStorageError(await store.list().catch((error: unknown) => error), 'CLOSED')).toBe(true);
});
