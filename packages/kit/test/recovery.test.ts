import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { copyStore, type EngineOptions, type KitStorageEngine } from '../src/index.ts';
import { entries, MapPlace } from './support/map-engine.ts';

let place: MapPlace;

beforeEach(() => {
  place = new MapPlace();
});

function open(options: Partial<EngineOptions> = {}): Promise<KitStorageEngine> {
  return place.open(options);
}

describe('a store that lost something is refused', () => {
  test('its last block', async () => {
    await place.fill();
    place.stored.blocks.delete(10);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION', details: { lostRange: { first: 10, last: 10 } } });
  });

  test('everything, header included', async () => {
    await place.fill();
    place.stored = { blocks: new Map(), header: undefined };
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION' });
  });

  test('its newest commits, in silence: the witness knows', async () => {
    await place.fill();
    const older = place.copy();
    const engine = await open();
    await engine.logStore.persistEntries(entries(11, 12, 3));
    await engine.close();
    place.stored = older;
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION', details: { lostRange: { first: 10, last: 12 } } });
  });

  test('its newest vote: the header knows', async () => {
    await place.fill();
    const files = ['hardstate.a', 'hardstate.b'].map((name) => join(place.directory, name));
    const older = files.map((file) => readFileSync(file));
    const engine = await open();
    await engine.write({ hardState: { currentTerm: 4, votedFor: 'b' }, entries: entries(11, 11, 4) });
    await engine.close();
    for (const [position, file] of files.entries()) writeFileSync(file, older[position] as Uint8Array);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION', message: expect.stringMatching(/vote/) });
  });

  test('its last entry, by damage', async () => {
    await place.fill();
    place.damage(10);
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION' });
  });

  test('and stays as it was', async () => {
    await place.fill();
    place.stored.blocks.delete(10);
    const before = { keys: [...place.stored.blocks.keys()], names: readdirSync(place.directory).sort() };
    await expect(open()).rejects.toMatchObject({ code: 'CORRUPTION' });
    expect({ keys: [...place.stored.blocks.keys()], names: readdirSync(place.directory).sort() }).toEqual(before);
  });
});

test('a lost witness is told, not fatal', async () => {
  await place.fill();
  rmSync(join(place.directory, 'witness'));
  const engine = await open();
  expect(engine.stats().recovery.notices).toEqual([expect.stringMatching(/witness/)]);
  await engine.close();
  expect(existsSync(join(place.directory, 'witness'))).toBe(false);
});

test('one damaged copy of the hard state is replaced, and told', async () => {
  await place.fill();
  writeFileSync(join(place.directory, 'hardstate.a'), 'nonsense');
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

test('an interrupted purge goes on at the next open', async () => {
  await place.fill();
  const engine = await open();
  const untouched = new Map(place.stored.blocks);
  await engine.logStore.purge({ index: 9, term: 3 });
  await engine.close();
  for (const [key, bytes] of untouched) place.stored.blocks.set(key, bytes);
  const again = await open();
  expect(again.logStore.firstIndex).toBe(10);
  await again.logStore.flush();
  await again.close();
  expect([...place.stored.blocks.keys()]).toEqual([10]);
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
  await place.fill();
  const from = await open();
  await from.logStore.purge({ index: 2, term: 1 });
  await from.snapshotStore.save({ lastIncluded: { index: 2, term: 1 }, context: Uint8Array.of(7) }, chunks());
  const source = place.stored;
  place.stored = { blocks: new Map(), header: undefined };
  const target = join(place.directory, 'copy');
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
  place.stored = source;
});

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < 3; count++) yield new Uint8Array(1_000_000).fill(count);
}
