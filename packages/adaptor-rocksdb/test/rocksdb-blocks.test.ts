import { serialize } from 'node:v8';
import { createRandom, defaultSeed, type Random } from '@raftlog/core/conformance';
import { type Block, type Commit, encodeBlockKey } from '@raftlog/kit';
import { describe, expect, test } from 'vitest';
import { RocksdbDatabase } from '../src/rocksdb-database.ts';
import { block, blocksIn, headerOf, inTemporaryDirectory, SMALL, textOf } from './support/blocks.ts';

const EVERYTHING = [0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const;

/** Blocks that are there after a commit, ascending. */
function applyTo(model: readonly Block[], { removeFrom = Infinity, removeThrough = 0, put }: Commit): Block[] {
  const kept = model.filter(({ key }) => key < removeFrom && key > removeThrough);
  const rest = kept.filter(({ key }) => !put.some((other) => other.key === key));
  return [...rest, ...put].sort((a, b) => a.key - b.key);
}

/** As the kit makes them: appends, cuts, resets, steps of a purge, blocks put back in the middle. */
function randomCommit(random: Random, model: readonly Block[], sequence: number): Commit {
  const low = model[0]?.key ?? 1;
  const high = model.at(-1)?.key ?? 2 ** 32;
  const header = headerOf(sequence);
  const size = random.pick([0, 50, 3000, 20_000]);
  const above = (from: number): Block[] =>
    Array.from({ length: random.integer(0, 5) }, (_, i) => block(from + 1 + i * 7, sequence, size));
  const kind = random.integer(0, 9);
  if (kind < 5) return { sequence, put: above(high), header };
  if (kind < 7) {
    const removeFrom = random.integer(low, high + 2);
    return { sequence, removeFrom, put: above(removeFrom - 1), header };
  }
  if (kind === 7) return { sequence, removeThrough: random.integer(low, high), put: above(high), header };
  if (kind === 8) return { sequence, removeFrom: 1, put: above(random.integer(0, 1000)), header };
  const replaced = random.pick([...model, block(high + 1, sequence)]).key;
  return { sequence, put: [block(replaced, sequence, size)], header };
}

describe.each([false, true])('against an array, buffered: %s', (buffered) => {
  test('commits, reads and reopens agree', () =>
    inTemporaryDirectory(async (directory) => {
      const seed = defaultSeed();
      const random = createRandom(seed);
      let store = blocksIn(directory, { buffered });
      await store.open();
      let model: Block[] = [];
      for (let sequence = 1; sequence <= 600; sequence++) {
        const where = `commit ${sequence}, RAFTLOG_SEED=${seed}`;
        const commit = randomCommit(random, model, sequence);
        await store.commit(commit);
        model = applyTo(model, commit);
        if (random.chance(0.05)) {
          if (buffered) await store.sync();
          await store.close();
          store = blocksIn(directory, { buffered, create: false });
          const { header, lastIndex } = await store.open();
          expect(Buffer.from(header ?? []).toString(), where).toBe(`header ${sequence}`);
          expect(lastIndex, where).toBe(model.at(-1)?.key);
        }
        const first = random.integer(0, (model.at(-1)?.key ?? 0) + 1);
        expect(textOf(await store.readBlocks(first, EVERYTHING[1], EVERYTHING[2])), where).toEqual(
          textOf(model.filter(({ key }) => key >= first)),
        );
      }
      await store.close();
    }));
});

test('a range ends with the block that covers its end, or where enough bytes are read, and has one block at least', () =>
  inTemporaryDirectory(async (directory) => {
    const store = blocksIn(directory);
    await store.open();
    const put = [10, 20, 30, 2 ** 40, 2 ** 53 - 2].map((key) => block(key, 1, 1000));
    await store.commit({ sequence: 1, put, header: headerOf(1) });
    const keys = async (first: number, last: number, maxBytes: number): Promise<number[]> =>
      (await store.readBlocks(first, last, maxBytes)).map(({ key }) => key);
    expect(await keys(11, 29, 1e6)).toEqual([20, 30]);
    expect(await keys(11, 30, 1e6)).toEqual([20, 30]);
    expect(await keys(1, 31, 1e6)).toEqual([10, 20, 30, 2 ** 40]);
    expect(await keys(20, 20, 1e6)).toEqual([20]);
    expect(await keys(1, 2 ** 53 - 2, 1)).toEqual([10]);
    // The keys count too.
    expect(await keys(1, 2 ** 53 - 2, 1009)).toEqual([10, 20]);
    expect(await keys(2 ** 41, 2 ** 53 - 1, Number.MAX_SAFE_INTEGER)).toEqual([2 ** 53 - 2]);
    await store.close();
  }));

describe('a crash in the middle of a commit that cuts', () => {
  const before: Commit = { sequence: 1, put: [3, 6, 9, 12].map((key) => block(key, 1)), header: headerOf(1) };
  const cut: Commit = { sequence: 2, removeFrom: 5, put: [block(5, 2), block(9, 2)], header: headerOf(2) };

  test.each([
    ['after it was written down', false],
    ['after the range was deleted', true],
  ])('%s: the next open finishes it', (_, deleted) =>
    inTemporaryDirectory(async (directory) => {
      const first = blocksIn(directory);
      await first.open();
      await first.commit(before);
      await first.close();
      const database = await RocksdbDatabase.open(directory, false, SMALL);
      database.write(true, (batch) => batch._put(Buffer.from('redo'), serialize(cut)));
      if (deleted) await database.removeRange({ gte: encodeBlockKey(5), lte: encodeBlockKey(13) });
      await database.close();

      // Twice: what is finished is not done again.
      for (let open = 1; open <= 2; open++) {
        const store = blocksIn(directory, { create: false });
        const { header, lastIndex } = await store.open();
        expect(Buffer.from(header ?? []).toString()).toBe('header 2');
        expect(lastIndex).toBe(9);
        const left = open === 1 ? [block(3, 1), ...cut.put] : [block(3, 1), ...cut.put, block(20, 3)];
        if (open === 2) await store.commit({ sequence: 3, put: [block(20, 3)], header: headerOf(2) });
        expect(textOf(await store.readBlocks(...EVERYTHING))).toEqual(textOf(left));
        await store.close();
      }
    }),
  );
});
