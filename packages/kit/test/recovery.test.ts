import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry } from '@raftlog/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyStore, defineAdaptor, type EngineOptions, type KitStorageEngine } from '../src/index.ts';
import { DelayedMapBlocks, type StoredState } from './delayed-map-blocks.ts';

/*
 * The kit on a store that lives in memory, so that a test can lose or damage what a database would: hard state, witness, marker and lock are
 * real files.
 */

let directory: string;
let stored: StoredState;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'raftlog-kit-'));
  stored = { blocks: new Map(), header: undefined };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const adaptor = defineAdaptor<EngineOptions>({
  name: 'in-memory-blocks',
  durability: ['sync', 'buffered'],
  blockStore: () => new DelayedMapBlocks(stored, () => 1),
});

function open(options: Partial<EngineOptions> = {}): Promise<KitStorageEngine> {
  return adaptor.open({ directory, ...options });
}

function entries(first: number, last: number, term: number, bytes = 20_000): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, position) => ({
    index: first + position,
    term,
    kind: 'command',
    data: new Uint8Array(bytes).fill(first + position),
  }));
}

/** Ten entries of three terms, three to a block: keys 3, 6, 9 and 10. */
async function fill(): Promise<void> {
  const engine = await open();
  await engine.metaStore.saveHardState({ currentTerm: 3, votedFor: 'a' });
  await engine.logStore.persistEntries([...entries(1, 4, 1), ...entries(5, 7, 2), ...entries(8, 10, 3)]);
  await engine.close();
  expect([...stored.blocks.keys()]).toEqual([3, 6, 9, 10]);
}

function damage(key: number): void {
  const bytes = Uint8Array.from(stored.blocks.get(key) as Uint8Array);
  bytes[100] = (bytes[100] as number) ^ 1;
  stored.blocks.set(key, bytes);
}

describe('a store that lost something is refused', () => {
  test('its last block', async () => {
    await fill();
    stored.blocks.delete(10);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION', details: { lostRange: { first: 10, last: 10 } } });
  });

  test('everything, header included', async () => {
    await fill();
    stored = { blocks: new Map(), header: undefined };
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION' });
  });

  test('its newest commits, in silence: the witness knows', async () => {
    await fill();
    const older: StoredState = { blocks: new Map(stored.blocks), header: stored.header };
    const engine = await open();
    await engine.logStore.persistEntries(entries(11, 12, 3));
    await engine.close();
    stored = older;
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION', details: { lostRange: { first: 10, last: 12 } } });
  });

  test('its newest vote: the header knows', async () => {
    await fill();
    const files = ['hardstate.a', 'hardstate.b'].map((name) => join(directory, name));
    const older = files.map((file) => readFileSync(file));
    const engine = await open();
    await engine.write({ hardState: { currentTerm: 4, votedFor: 'b' }, entries: entries(11, 11, 4) });
    await engine.close();
    for (const [position, file] of files.entries()) writeFileSync(file, older[position] as Uint8Array);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION', message: expect.stringMatching(/vote/) });
  });

  test('its last entry, by damage', async () => {
    await fill();
    damage(10);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION' });
  });

  test('and stays as it was', async () => {
    await fill();
    stored.blocks.delete(10);
    const before = { keys: [...stored.blocks.keys()], names: readdirSync(directory).sort() };
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION' });
    expect({ keys: [...stored.blocks.keys()], names: readdirSync(directory).sort() }).toEqual(before);
  });
});

test('a lost witness is told, not fatal', async () => {
  await fill();
  rmSync(join(directory, 'witness'));
  const engine = await open();
  expect(engine.stats().recovery.notices).toEqual([expect.stringMatching(/witness/)]);
  await engine.close();
  expect(existsSync(join(directory, 'witness'))).toBe(false);
});

test('one damaged copy of the hard state is replaced, and told', async () => {
  await fill();
  writeFileSync(join(directory, 'hardstate.a'), 'nonsense');
  const engine = await open();
  expect(engine.stats().recovery.notices).toEqual([expect.stringMatching(/hardstate\.a/)]);
  expect(await engine.metaStore.loadHardState()).toEqual({ currentTerm: 3, votedFor: 'a' });
  await engine.close();
});

test('the term of every index is known after a reopen, with few reads', async () => {
  const engine = await open();
  const terms: number[] = [];
  for (let first = 1; first <= 2000; first += 20) {
    const term = 1 + Math.floor(first / 700);
    await engine.logStore.persistEntries(entries(first, first + 19, term, 10));
    for (let count = 0; count < 20; count++) terms.push(term);
  }
  await engine.logStore.purge({ index: 150, term: 1 });
  await engine.close();
  const again = await open();
  expect(again.stats().storeReads).toBeLessThan(30);
  for (const [position, term] of terms.entries()) {
    expect(await again.logStore.termAt(position + 1)).toBe(position + 1 < 150 ? undefined : term);
  }
  await again.close();
});

describe('salvage', () => {
  test('opens with exactly what is lost, serves the rest, and takes only what fits', async () => {
    await fill();
    damage(6);
    damage(10);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION' });
    const engine = await open({ onCorruption: 'salvage' });
    const { logStore } = engine;
    expect(logStore.damagedRanges).toEqual([
      { first: 4, last: 6 },
      { first: 10, last: 10 },
    ]);
    expect((await logStore.getEntries(1, 3)).map(({ index }) => index)).toEqual([1, 2, 3]);
    await expect(logStore.entry(5)).rejects.toMatchObject({
      code: 'CORRUPTION',
      details: { lostRange: { first: 4, last: 6 } },
    });
    await expect(logStore.getEntries(1, 9)).rejects.toMatchObject({ code: 'CORRUPTION' });
    await expect(logStore.termAt(5)).rejects.toMatchObject({ code: 'CORRUPTION' });
    await expect(logStore.purge({ index: 5, term: 2 })).rejects.toMatchObject({ code: 'CORRUPTION' });

    const right = [...entries(4, 4, 1), ...entries(5, 6, 2)];
    await expect(logStore.repair(right.slice(0, 2))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(logStore.repair(entries(4, 6, 3))).rejects.toMatchObject({ code: 'TERM_REGRESSION' });
    await expect(logStore.repair(entries(10, 10, 2))).rejects.toMatchObject({ code: 'TERM_REGRESSION' });
    await logStore.repair(right);
    expect(logStore.damagedRanges).toEqual([{ first: 10, last: 10 }]);
    expect(await logStore.termAt(4)).toBe(1);
    expect(await logStore.termAt(5)).toBe(2);
    await engine.close();

    // Half repaired is still damaged: a plain open would serve a log with a hole.
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION' });
    const second = await open({ onCorruption: 'salvage' });
    await second.logStore.repair(entries(10, 10, 3));
    await second.logStore.persistEntries(entries(11, 11, 3));
    await second.close();
    const whole = await open();
    expect(await whole.logStore.getEntries(1, 11)).toEqual([
      ...entries(1, 4, 1),
      ...entries(5, 7, 2),
      ...entries(8, 11, 3),
    ]);
    await whole.close();
  });

  test('damage that is cut off, purged or reset needs no repair', async () => {
    for (const mend of [
      (engine: KitStorageEngine) => engine.logStore.truncate(4),
      (engine: KitStorageEngine) => engine.logStore.purge({ index: 8, term: 3 }),
      (engine: KitStorageEngine) => engine.logStore.reset(),
    ]) {
      rmSync(directory, { recursive: true });
      stored = { blocks: new Map(), header: undefined };
      await fill();
      damage(6);
      const engine = await open({ onCorruption: 'salvage' });
      await mend(engine);
      expect(engine.logStore.damagedRanges).toEqual([]);
      await engine.close();
      await (await open()).close();
    }
  });
});

test('an interrupted purge goes on at the next open', async () => {
  await fill();
  const engine = await open();
  const untouched = new Map(stored.blocks);
  await engine.logStore.purge({ index: 9, term: 3 });
  await engine.close();
  for (const [key, bytes] of untouched) stored.blocks.set(key, bytes);
  const again = await open();
  expect(again.logStore.firstIndex).toBe(10);
  await again.logStore.flush();
  await again.close();
  expect([...stored.blocks.keys()]).toEqual([10]);
});

test('a compressed log is read whatever the next engine is opened with', async () => {
  const engine = await open({ compression: 'deflate' });
  await engine.logStore.persistEntries(entries(1, 30, 1, 2000));
  expect(engine.stats().bytesWritten).toBeLessThan(10_000);
  await engine.close();
  const again = await open();
  expect(await again.logStore.getEntries(1, 30)).toEqual(entries(1, 30, 1, 2000));
  await again.logStore.truncate(17);
  await again.close();
  const third = await open({ compression: 'deflate' });
  expect(await third.logStore.getEntries(1, 30)).toEqual(entries(1, 16, 1, 2000));
  await third.close();
});

test('copyStore copies all there is, and only into a new engine', async () => {
  await fill();
  const from = await open();
  await from.logStore.purge({ index: 2, term: 1 });
  await from.snapshotStore.save({ lastIncluded: { index: 2, term: 1 }, context: Uint8Array.of(7) }, chunks());
  const source = stored;
  stored = { blocks: new Map(), header: undefined };
  const target = join(directory, 'copy');
  const to = await open({ directory: target });
  expect(await copyStore(from, to)).toEqual({
    entries: 8,
    bytes: 160_000,
    boundary: { index: 2, term: 1 },
    snapshots: 1,
  });
  expect(await to.logStore.getEntries(0, 100)).toEqual(await from.logStore.getEntries(0, 100));
  expect(await to.metaStore.loadHardState()).toEqual({ currentTerm: 3, votedFor: 'a' });
  expect(await to.snapshotStore.latest()).toMatchObject({ size: 3_000_000, context: Uint8Array.of(7) });
  await expect(copyStore(from, to)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await to.close();
  await from.close();
  stored = source;
});

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < 3; count++) yield new Uint8Array(1_000_000).fill(count);
}
