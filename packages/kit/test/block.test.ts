import { type Entry, type EntryKind, isStorageError } from '@raftlog/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntryBlock, MAX_BLOCK_BYTES } from '../src/format/block.ts';
import { BlockCodec } from '../src/format/compression.ts';

const arbitraryEntries = fc.array(
  fc.record({
    term: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    kind: fc.constantFrom<EntryKind>('noop', 'command', 'config'),
    data: fc.uint8Array({ maxLength: 300 }),
  }),
  { minLength: 1, maxLength: 40 },
);

function build(first: number, entries: readonly Omit<Entry, 'index'>[]): EntryBlock {
  const block = EntryBlock.start(first, 0);
  for (const { term, kind, data } of entries) block.append(term, kind, data);
  return block;
}

function plain(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => ({ ...entry, data: Uint8Array.from(entry.data) }));
}

test('entries come back as they went in, whole, one by one, cut, and compressed', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 100 }),
    arbitraryEntries,
    fc.nat(),
    async (first, entries, pick) => {
      const expected = entries.map((entry, position) => ({ index: first + position, ...entry }));
      const last = first + entries.length - 1;
      const index = first + (pick % entries.length);
      const block = build(first, entries);
      expect(plain([block.at(index)])).toEqual(expected.filter((entry) => entry.index === index));
      expect(plain(block.slice(first, last))).toEqual(expected);
      const head = block.head(index);
      expect(plain(head.slice(first, index))).toEqual(expected.slice(0, index - first + 1));
      for (const compression of ['none', 'deflate'] as const) {
        const codec = new BlockCodec(compression);
        const again = await codec.decode(await codec.encode(block));
        expect([again.first, again.last, again.count]).toEqual([first, last, entries.length]);
        expect(plain([again.at(index)])).toEqual(expected.filter((entry) => entry.index === index));
        expect(plain(again.slice(first, last))).toEqual(expected);
      }
    },
  );
  await fc.assert(property, { numRuns: 200 });
});

test('what was read stays as it was while the block grows', () => {
  const block = build(1, [{ term: 1, kind: 'command', data: Uint8Array.of(1, 2, 3) }]);
  const [entry] = block.slice(1, 1);
  for (let count = 0; count < 1000; count++) block.append(2, 'command', new Uint8Array(50).fill(9));
  block.seal();
  expect(entry?.data).toEqual(Uint8Array.of(1, 2, 3));
});

test('a block is full at its limit, and takes one larger entry alone', () => {
  const block = EntryBlock.start(1, 0);
  expect(block.hasRoomFor(10 * MAX_BLOCK_BYTES)).toBe(true);
  block.append(1, 'command', new Uint8Array(100));
  expect(block.hasRoomFor(MAX_BLOCK_BYTES - 32 - 112 - 12)).toBe(true);
  expect(block.hasRoomFor(MAX_BLOCK_BYTES - 32 - 112 - 11)).toBe(false);
});

test('every flipped bit and every cut of a stored block is seen', async () => {
  for (const compression of ['none', 'deflate'] as const) {
    const codec = new BlockCodec(compression);
    const stored = await codec.encode(
      build(
        7,
        Array.from({ length: 5 }, () => ({ term: 3, kind: 'command', data: new Uint8Array(20).fill(65) })),
      ),
    );
    const decode = async (bytes: Uint8Array): Promise<EntryBlock> => codec.decode(bytes);
    for (let bit = 0; bit < stored.length * 8; bit++) {
      const damaged = Uint8Array.from(stored);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      await expect(decode(damaged), `bit ${bit}`).rejects.toSatisfy((error) => isStorageError(error, 'CORRUPTION'));
    }
    for (let length = 0; length < stored.length; length++) {
      await expect(decode(stored.subarray(0, length)), `cut at ${length}`).rejects.toSatisfy((error) =>
        isStorageError(error, 'CORRUPTION'),
      );
    }
  }
});

test('compressed input never becomes more than it says', async () => {
  const codec = new BlockCodec({
    compress: async () => Uint8Array.of(1),
    decompress: async (_bytes, limit) => new Uint8Array(limit + 1),
  });
  const stored = await codec.encode(build(1, [{ term: 1, kind: 'command', data: new Uint8Array(100) }]));
  await expect(codec.decode(stored)).rejects.toMatchObject({ code: 'CORRUPTION' });
});
