import { createRandom, defaultSeed, type Random } from '@raftlog/core/conformance';
import type { Commit } from '@raftlog/kit';
import { describe, expect, test } from 'vitest';
import { append, asMap, block, headerOf, sequenceOf, TestStore, withDirectory } from './support/level-store.ts';

const ROUNDS: number = Number(process.env.RAFTLOG_MODEL_ROUNDS ?? 12);

type Model = ReadonlyMap<number, string>;

function applyToModel(model: Model, { removeFrom = Infinity, removeThrough = -Infinity, put }: Commit): Model {
  const next = new Map([...model].filter(([key]) => key < removeFrom && key > removeThrough));
  for (const { key, bytes } of put) next.set(key, Buffer.from(bytes).toString('latin1'));
  return new Map([...next].sort(([a], [b]) => a - b));
}

function rangeOf(model: Model, first: number, last: number, maxBytes: number): Model {
  const range = new Map<number, string>();
  let bytes = 0;
  for (const [key, value] of model) {
    if (key < first) continue;
    range.set(key, value);
    bytes += value.length;
    if (key >= last || bytes >= maxBytes) break;
  }
  return range;
}

/** As the kit makes them: appends, cuts with and without a surviving head, purges, resets, repairs of blocks in the middle, now and then a large block. */
function randomCommit(random: Random, model: Model, sequence: number): Commit {
  const keys = [...model.keys()];
  const low = keys[0] ?? 1;
  const high = keys.at(-1) ?? random.integer(0, 1000);
  const header = headerOf(sequence);
  const size = (): number => (random.chance(0.05) ? random.integer(100_000, 160_000) : random.integer(0, 3000));
  const putAbove = (from: number, count: number): Commit['put'] => {
    let key = from;
    return Array.from({ length: count }, () => {
      key += random.integer(1, 20);
      return block(key, sequence, size());
    });
  };
  const choice = random.integer(0, 99);
  if (choice < 60 || keys.length === 0) return { sequence, put: putAbove(high, random.integer(0, 40)), header };
  if (choice < 75) {
    const removeFrom = random.integer(low, high + 3);
    const hasHead = random.chance(0.5) && !model.has(removeFrom - 1) && removeFrom > low;
    const head = hasHead ? [block(removeFrom - 1, sequence, size())] : [];
    return { sequence, removeFrom, put: [...head, ...putAbove(removeFrom - 1, random.integer(0, 3))], header };
  }
  if (choice < 90) {
    const removeThrough = random.integer(low, random.chance(0.1) ? high + 5 : high);
    return { sequence, removeThrough, put: random.chance(0.5) ? putAbove(high + 5, 1) : [], header };
  }
  if (choice < 93) return { sequence, removeFrom: 1, put: random.chance(0.5) ? putAbove(0, 2) : [], header };
  const first = random.integer(0, keys.length - 1);
  const replaced = keys.slice(first, first + random.integer(1, 3));
  return { sequence, put: replaced.map((key) => block(key, sequence, size())), header };
}

async function expectSame(store: TestStore, model: Model, random: Random): Promise<void> {
  expect(await store.all()).toEqual(model);
  const high = [...model.keys()].at(-1) ?? 10;
  for (let i = 0; i < 5; i++) {
    const first = random.integer(0, high + 2);
    const last = first + random.pick([0, 0, 3, 50, 1000]);
    const maxBytes = random.pick([1, 500, 5000, 1_000_000]);
    const range = asMap(await store.blocks.readBlocks(first, last, maxBytes));
    expect(range, `${first} to ${last}, ${maxBytes} bytes`).toEqual(rangeOf(model, first, last, maxBytes));
  }
}

test('commits, reads and reopens agree with a map', async () => {
  const seed = defaultSeed();
  for (let round = 0; round < ROUNDS; round++) {
    const random = createRandom(seed + round);
    await withDirectory(async (directory) => {
      let store = await TestStore.open(directory, { create: true });
      let model: Model = new Map();
      try {
        for (let sequence = 1; sequence <= 60; sequence++) {
          const commit = randomCommit(random, model, sequence);
          await store.commit(commit);
          model = applyToModel(model, commit);
          if (random.chance(0.2)) await expectSame(store, model, random);
          if (random.chance(0.1)) {
            await store.close();
            store = await TestStore.open(directory, { witnessedSequence: sequence });
            expect(sequenceOf(store.opened.header)).toBe(sequence);
            expect(store.opened.lastIndex).toBe([...model.keys()].at(-1));
            expect(store.opened.discardedBytes).toBe(0);
            await expectSame(store, model, random);
          }
        }
      } catch (error) {
        throw new Error(`RAFTLOG_SEED=${seed + round}`, { cause: error });
      } finally {
        await store.close();
      }
      expect(store.backgroundFailures).toEqual([]);
    });
  }
}, 120_000);

describe('memory', () => {
  test('blocks that are large are read one by one, whatever came before', async () => {
    await withDirectory(async (directory) => {
      const store = await TestStore.open(directory, { create: true });
      const small = Array.from({ length: 300 }, (_, i) => i + 1);
      await store.commit(append(1, small, 10));
      for (let i = 0; i < 4; i++) await store.commit(append(2 + i, [301 + i], 4 * 1024 * 1024));
      const asked = await store.blocks.readBlocks(1, 304, 1024 * 1024);
      expect(asked.map(({ key }) => key)).toEqual([...small, 301]);
      await store.close();
    });
  });

  test('the event loop goes on while very many blocks are removed', async () => {
    await withDirectory(async (directory) => {
      const store = await TestStore.open(directory, { create: true }, { writeBufferSize: 64 * 1024 * 1024 });
      const count = 50_000;
      await store.commit(
        append(
          1,
          Array.from({ length: count }, (_, i) => i + 1),
          1,
        ),
      );
      let turns = 0;
      const timer = setInterval(() => turns++, 0);
      await store.commit({ sequence: 2, removeFrom: 1, put: [], header: headerOf(2) });
      clearInterval(timer);
      expect(await store.all()).toEqual(new Map());
      expect(turns).toBeGreaterThan(10);
      await store.close();
    });
  });
});
