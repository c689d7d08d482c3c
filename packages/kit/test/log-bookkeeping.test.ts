import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntryBlock } from '../src/format/block.ts';
import { BlockCache } from '../src/log/block-cache.ts';
import { CutHistory } from '../src/log/cut-history.ts';
import { TermRuns } from '../src/log/term-runs.ts';

test('CutHistory answers for the lowest cut since any moment', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 60 }), (cuts) => {
      const history = new CutHistory();
      const epochs = [history.epoch];
      for (const cut of cuts) {
        history.cut(cut);
        epochs.push(history.epoch);
      }
      for (const [position, epoch] of epochs.entries()) {
        expect(history.lowestSince(epoch)).toBe(Math.min(Number.POSITIVE_INFINITY, ...cuts.slice(position)));
      }
    }),
  );
});

test('CutHistory that has forgotten answers lower, never higher', () => {
  const history = new CutHistory();
  for (let index = 1; index <= 5000; index++) history.cut(index);
  expect(history.lowestSince(0)).toBe(1);
  expect(history.lowestSince(4999)).toBe(5000);
  expect(history.lowestSince(2000)).toBeLessThanOrEqual(2001);
});

test('TermRuns knows the term of every index, whatever was cut, purged or put back', () => {
  const operation = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        rise: fc.integer({ min: 0, max: 2 }),
        count: fc.integer({ min: 1, max: 5 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('truncate' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('purge' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
    },
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const runs = new TermRuns();
      const terms = new Map<number, number>();
      let [first, last] = [1, 0];
      for (const step of operations) {
        const index = first + Math.floor(('at' in step ? step.at : 0) * (last - first + 1));
        if (step.kind === 'append') {
          for (let count = 0; count < step.count; count++) {
            const term = (terms.get(last) ?? 1) + (count === 0 ? step.rise : 0);
            runs.append(++last, term);
            terms.set(last, term);
          }
        } else if (step.kind === 'truncate') {
          runs.truncate(index);
          while (last >= index) terms.delete(last--);
          if (last < first) terms.set(last, 1);
        } else if (index <= last) {
          runs.purge(index);
          first = index + 1;
        }
        for (let at = first; at <= last; at++) expect(runs.at(at)).toBe(terms.get(at));
      }
      // Putting the middle back as it is changes nothing.
      if (last - first >= 3) {
        const middle = [first + 1, first + 2].map((index) => ({ index, term: terms.get(index) as number }));
        runs.replace(middle, last);
        for (let at = first; at <= last; at++) expect(runs.at(at)).toBe(terms.get(at));
      }
    }),
  );
});

function blockOf(first: number, count: number): EntryBlock {
  const block = EntryBlock.start(first, 0);
  for (let position = 0; position < count; position++) block.append(1, 'command', new Uint8Array(100));
  block.seal();
  return block;
}

test('BlockCache stays within its bound, decoded entries included, and keeps what was used last', () => {
  const limit = 100_000;
  const cache = new BlockCache(limit);
  for (let first = 1; first <= 5000; first += 5) {
    const block = blockOf(first, 5);
    cache.add(block);
    block.slice(first, first + 4);
    cache.used(block);
    expect(cache.bytes).toBeLessThanOrEqual(limit);
  }
  expect(cache.find(4998)?.first).toBe(4996);
  expect(cache.find(1)).toBeUndefined();
});

test('BlockCache never answers for what was dropped, and says where it knows more', () => {
  const cache = new BlockCache(1_000_000);
  for (const first of [1, 11, 31, 21]) cache.add(blockOf(first, 10));
  expect([1, 10, 11, 25, 40, 41].map((index) => cache.find(index)?.first)).toEqual([1, 1, 11, 21, 31, undefined]);
  cache.dropFrom(25);
  expect([20, 21, 24, 31].map((index) => cache.find(index)?.first)).toEqual([11, undefined, undefined, undefined]);
  cache.dropThrough(10);
  expect([1, 10, 11].map((index) => cache.find(index)?.first)).toEqual([undefined, undefined, 11]);
  expect(cache.nextAbove(5)).toBe(11);
  expect(cache.nextAbove(20)).toBe(Number.POSITIVE_INFINITY);
  cache.add(blockOf(11, 10));
  cache.dropFrom(1);
  expect(cache.bytes).toBe(0);
});
