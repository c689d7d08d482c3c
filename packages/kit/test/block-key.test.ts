import { MAX_INDEX } from '@raftlog/core';
import { expect, test } from 'vitest';
import { decodeBlockKey, encodeBlockKey } from '../src/index.ts';

const keys = [0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, MAX_INDEX];

test('a key comes back, also beyond 2^32', () => {
  for (const key of keys) expect(decodeBlockKey(encodeBlockKey(key))).toBe(key);
});

test('the order of the bytes is the order of the keys, and names in ASCII come last', () => {
  const encoded = keys.map(encodeBlockKey);
  expect([...encoded].reverse().sort(Buffer.compare)).toEqual(encoded);
  expect(Buffer.compare(encodeBlockKey(MAX_INDEX), Buffer.from('header'))).toBeLessThan(0);
});
