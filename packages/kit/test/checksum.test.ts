import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32WithBlock, EntryBlock } from '../src/format/block.ts';
import { combineCrc32, crc32 } from '../src/format/checksum.ts';

test('the checksums of two pieces give that of the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ maxLength: 5000 }), (head, tail) => {
      expect(combineCrc32(crc32(head), crc32(tail), tail.length)).toBe(crc32(tail, crc32(head)));
    }),
  );
});

test('a second piece of any length, also beyond 2^32 bits', () => {
  const zeros = new Uint8Array(2 ** 20);
  let whole = crc32(Uint8Array.of(7));
  let tail = 0;
  for (let mebibytes = 1; mebibytes <= 600; mebibytes++) {
    whole = crc32(zeros, whole);
    tail = crc32(zeros, tail);
  }
  expect(combineCrc32(crc32(Uint8Array.of(7)), tail, 600 * zeros.length)).toBe(whole);
});

test('a block in a checksum over more than it counts with every byte, small, large, or no block at all', () => {
  const seed = crc32(Uint8Array.of(1, 2, 3));
  for (const dataBytes of [0, 100, 4051, 4052, 4053, 70_000]) {
    const block = EntryBlock.start(5, dataBytes);
    block.append(3, 'command', new Uint8Array(dataBytes).fill(dataBytes));
    expect(crc32WithBlock(block.seal(), seed)).toBe(crc32(block.seal(), seed));
  }
  const other = new Uint8Array(10_000).fill(9);
  expect(crc32WithBlock(other, seed)).toBe(crc32(other, seed));
});
