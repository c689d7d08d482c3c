import type { Block } from '@raftlog/kit';
import { array, assert, asyncProperty, constantFrom, nat, record, uniqueArray } from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryBlocks } from '../src/memory-blocks.ts';

const header = new Uint8Array(0);
const block = (key: number, size = 10): Block => ({ key, bytes: new Uint8Array(size) });
const keys = (blocks: readonly Block[]): number[] => blocks.map(({ key }) => key);

async function filled(...all: number[]): Promise<MemoryBlocks> {
  const store = new MemoryBlocks();
  await store.open();
  await store.commit({ sequence: 1, put: all.map((key) => block(key)), header });
  return store;
}

test('reads from the first key that covers the range to the one that covers its end', async () => {
  const store = await filled(10, 20, 30);
  expect(keys(await store.readBlocks(1, 5, 1e6))).toEqual([10]);
  expect(keys(await store.readBlocks(10, 11, 1e6))).toEqual([10, 20]);
  expect(keys(await store.readBlocks(11, 100, 1e6))).toEqual([20, 30]);
  expect(keys(await store.readBlocks(31, 40, 1e6))).toEqual([]);
});

test('stops at the limit of bytes, but not before the first block', async () => {
  const store = await filled(10, 20, 30);
  expect(keys(await store.readBlocks(1, 30, 1))).toEqual([10]);
  expect(keys(await store.readBlocks(1, 30, 10))).toEqual([10]);
  expect(keys(await store.readBlocks(1, 30, 11))).toEqual([10, 20]);
});

test('a block put back in the middle, and one that replaces another', async () => {
  const store = await filled(10, 30);
  await store.commit({ sequence: 2, put: [block(20), block(30, 99)], header });
  const blocks = await store.readBlocks(1, 30, 1e6);
  expect(keys(blocks)).toEqual([10, 20, 30]);
  expect(blocks[2]?.bytes.byteLength).toBe(99);
});

test('purging 200,000 blocks from the front one by one takes no time to speak of', async () => {
  const count = 200_000;
  const store = new MemoryBlocks();
  await store.commit({ sequence: 1, put: Array.from({ length: count }, (_, i) => block(i + 1, 0)), header });
  const start = performance.now();
  for (let key = 1; key < count; key++) await store.commit({ sequence: key + 1, removeThrough: key, put: [], header });
  expect(performance.now() - start).toBeLessThan(2000);
  expect(keys(await store.readBlocks(1, count, 1e6))).toEqual([count]);
});

test('any commits leave what a plain map would hold', async () => {
  const change = record({
    kind: constantFrom('put', 'removeFrom', 'removeThrough', 'replace'),
    key: nat(60),
    put: uniqueArray(nat(60), { maxLength: 5 }),
  });
  await assert(
    asyncProperty(array(change, { maxLength: 30 }), async (changes) => {
      const store = new MemoryBlocks();
      const model = new Set<number>();
      for (const [i, { kind, key, put }] of changes.entries()) {
        const cuts = kind === 'removeFrom' || kind === 'replace';
        const sorted = put.toSorted((a, b) => a - b);
        const puts = kind === 'put' ? sorted : kind === 'replace' ? sorted.filter((added) => added >= key) : [];
        await store.commit({
          sequence: i + 1,
          header,
          put: puts.map((added) => block(added)),
          ...(cuts ? { removeFrom: key } : {}),
          ...(kind === 'removeThrough' ? { removeThrough: key } : {}),
        });
        for (const kept of [...model]) {
          if (cuts && kept >= key) model.delete(kept);
          if (kind === 'removeThrough' && kept <= key) model.delete(kept);
        }
        for (const added of puts) model.add(added);
      }
      expect(keys(await store.readBlocks(0, 60, 1e6))).toEqual([...model].sort((a, b) => a - b));
    }),
  );
});
