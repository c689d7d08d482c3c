import { createRandom, defaultSeed, type LossyFileIo, type Random } from '@raftlog/core/conformance';
import type { Commit } from '@raftlog/kit';
import { describe, expect, test } from 'vitest';
import { applyToModel, type Model, randomCommit } from './support/model.ts';
import { asMap, newDisk, sequenceOf, TestStore } from './support/store.ts';

const ROUNDS: number = Number(process.env.RAFTLOG_MODEL_ROUNDS ?? 40);
const MODES = [
  'all',
  'synced',
  'missing',
  'torn',
  'reordered',
  'size-only',
  'data-only',
  'entries-lost',
  'mixed',
] as const;

/** What a range read has to give. */
function modelRange(model: Model, first: number, last: number, maxBytes: number): Map<number, string> {
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

async function expectSame(store: TestStore, model: Model, random: Random): Promise<void> {
  expect(await store.all()).toEqual(model);
  const high = [...model.keys()].at(-1) ?? 10;
  for (let i = 0; i < 5; i++) {
    const first = random.integer(0, high + 2);
    const last = first + random.pick([0, 0, 3, 50, 1000]);
    const maxBytes = random.pick([1, 500, 5000, 1_000_000]);
    const range = asMap(await store.blocks.readBlocks(first, last, maxBytes));
    expect(range, `${first} to ${last}, ${maxBytes} bytes`).toEqual(modelRange(model, first, last, maxBytes));
  }
}

describe.each([false, true])('against a map, buffered: %s', (buffered) => {
  test('commits, reads and reopens agree', async () => {
    const seed = defaultSeed();
    for (let round = 0; round < ROUNDS; round++) {
      const random = createRandom(seed + round);
      const disk = newDisk();
      let store = await TestStore.open(disk, { create: true, buffered });
      let model: Model = new Map();
      try {
        for (let sequence = 1; sequence <= 60; sequence++) {
          const commit = randomCommit(random, model, sequence);
          await store.commit(commit);
          model = applyToModel(model, commit);
          if (buffered && random.chance(0.2)) await store.blocks.sync();
          if (random.chance(0.2)) await expectSame(store, model, random);
          if (random.chance(0.1)) {
            await store.close();
            expect(store.backgroundFailures).toEqual([]);
            store = await TestStore.open(disk, { buffered });
            expect(sequenceOf(store.opened.header)).toBe(sequence);
            expect(store.opened.lastIndex).toBe([...model.keys()].at(-1));
            await expectSame(store, model, random);
          }
        }
        await store.close();
      } catch (error) {
        throw new Error(`RAFTLOG_SEED=${seed + round}`, { cause: error });
      }
    }
  }, 120_000);

  test('after each of several power cuts the log is a prefix that holds all that was durable', async () => {
    const seed = defaultSeed();
    for (let round = 0; round < ROUNDS; round++) {
      try {
        await crashRound(createRandom(seed + round), buffered);
      } catch (error) {
        throw new Error(`RAFTLOG_SEED=${seed + round}`, { cause: error });
      }
    }
  }, 120_000);
});

/** Lives of one log that end with a power cut or a kill at a random call each. */
async function crashRound(random: Random, buffered: boolean): Promise<void> {
  let disk = newDisk();
  let states: { readonly sequence: number; readonly model: Model }[] = [{ sequence: 0, model: new Map() }];
  for (let life = 0; life < 8; life++) {
    const before = states[0];
    let durable = before?.sequence ?? 0;
    let crashed: { readonly disk: LossyFileIo; readonly durable: number } | undefined;
    let callsLeft = random.integer(1, 120);
    const seed = random.integer(1, 1_000_000);
    const mode = random.pick([...MODES, 'kill' as const]);
    const running = disk;
    running.onCall = () => {
      if (--callsLeft !== 0) return;
      const copy = running.clone();
      crashed = { disk: mode === 'kill' ? copy : copy.powerCut({ mode, seed }), durable };
    };
    let store: TestStore | undefined;
    try {
      const created = durable === 0;
      store = await TestStore.open(running, {
        create: created,
        buffered,
        witnessedSequence: random.pick([0, durable]),
      });
      const sequence = sequenceOf(store.opened.header);
      const found = states.find((state) => state.sequence === sequence);
      expect(found, `commit ${sequence} is one that there was`).toBeDefined();
      expect(sequence).toBeGreaterThanOrEqual(durable);
      let model: Model = found?.model ?? new Map();
      // What open has answered is on the disk, unless the crash came before the answer.
      if (crashed === undefined) {
        states = [{ sequence, model }];
        durable = sequence;
      }
      await expectSame(store, model, random);
      for (let next = sequence + 1; crashed === undefined && next < sequence + 40; next++) {
        const commit: Commit = randomCommit(random, model, next);
        model = applyToModel(model, commit);
        states.push({ sequence: next, model });
        await store.commit(commit);
        if (!buffered) durable = next;
        else if (random.chance(0.15)) {
          await store.blocks.sync();
          durable = next;
        }
      }
      // As the kit does before it closes a buffered store.
      if (crashed === undefined && buffered) await store.blocks.sync();
    } finally {
      running.onCall = undefined;
      await store?.close();
    }
    expect(store.backgroundFailures).toEqual([]);
    disk = crashed?.disk ?? running;
    const kept = crashed?.durable ?? states.at(-1)?.sequence ?? 0;
    states = states.filter((state) => state.sequence >= kept);
  }
}
