import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { SqliteOptions } from '@raftlog/adaptor-sqlite';
import { damageFiles } from '@raftlog/crash-lab';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { entries, rejection } from './support/entries.ts';
import { Place } from './support/place.ts';
import { sqliteBuilder } from './support/sqlite-builder.ts';

const PAGE_BYTES = 16_384;
const FRAME_BYTES = PAGE_BYTES + 24;

test('flipped, cut and zeroed bytes in any file are noticed or do no harm', { timeout: 300_000 }, async () => {
  const report = await damageFiles(() => sqliteBuilder(), { flips: 80, cuts: 40, seed: 1, files: /blocks/ });
  const { lost, returned, altered, crashed, killed } = report;
  const harmful = report.damages.filter(({ outcome }) => !['intact', 'refused', 'unreadable'].includes(outcome));
  expect({ lost, returned, altered, crashed, killed, harmful }).toEqual({
    lost: 0,
    returned: 0,
    altered: 0,
    crashed: 0,
    killed: {},
    harmful: [],
  });
  const codes = [...Object.keys(report.refused), ...Object.keys(report.unreadable)];
  expect(new Set(codes)).toEqual(new Set(['CORRUPTION']));
});

describe("the end of SQLite's write-ahead log", () => {
  test('SQLite itself drops it without a word where it is damaged', async () => {
    const place = new Place();
    await place.writeAndKill(20, 1);
    flipByte(place.wal, 32 + FRAME_BYTES + 1000);
    const database = new Database(place.database);
    try {
      expect(database.prepare('SELECT count(*) FROM blocks').pluck().get()).toBeLessThan(20);
    } finally {
      database.close();
    }
  });

  test('commits that the witness saw are missed', async () => {
    const place = new Place();
    // Closed, so that the witness knows of 30 commits; then taken back to the WAL of 20.
    await place.writeAndKill(20, 1);
    const old = place.copyOf();
    const engine = await place.open();
    await engine.logStore.persistEntries(entries(21, 21));
    await engine.close();
    writeFileSync(place.database, readFileSync(old.database));
    writeFileSync(place.wal, readFileSync(old.wal));
    await expectRefused(place, 'Entries 20 to 21');
  });

  test.each([
    ['the first commit', 1],
    ['the middle', 20],
    ['the last commit but one', 37],
  ])('damage to %s is noticed though the witness knows of none', async (_where, frame) => {
    const place = new Place();
    await place.writeAndKill(20, 1);
    place.forgetWitness();
    flipByte(place.wal, 32 + (frame - 1) * FRAME_BYTES + 1000);
    await expectRefused(place, 'commits that were durable lie there');
  });

  test('damage to its header is noticed', async () => {
    const place = new Place();
    await place.writeAndKill(20, 1);
    place.forgetWitness();
    flipByte(place.wal, 18);
    await expectRefused(place, 'header');
  });

  test('a salvage refuses it too: nobody knows what was in it', async () => {
    const place = new Place();
    await place.writeAndKill(20, 1);
    place.forgetWitness();
    flipByte(place.wal, 32 + 20 * FRAME_BYTES + 1000);
    await expectRefused(place, 'commits that were durable lie there', { onCorruption: 'salvage' });
  });

  test('a commit that was torn is dropped, counted, and does not come back', async () => {
    const place = new Place();
    await place.writeAndKill(20, 1);
    place.forgetWitness();
    truncateSync(place.wal, statSync(place.wal).size - 5000);
    const engine = await place.open();
    expect(engine.logStore.lastIndex).toBe(19);
    await engine.logStore.persistEntries(entries(20, 20, 10));
    await engine.close();
    const again = await place.open();
    expect(await again.logStore.entry(20)).toEqual(entries(20, 20, 10)[0]);
    expect(again.stats().recovery.discarded).toBe(0);
    await again.close();
  });
});

// As the README says. Should one of these fail one day: the better, and the README has to say so.
describe('what is left, after a crash and within a second of it:', () => {
  test('damage to the very last commit passes for a torn write', async () => {
    const place = new Place();
    await place.writeAndKill(20, 1);
    place.forgetWitness();
    flipByte(place.wal, statSync(place.wal).size - 100);
    const engine = await place.open();
    expect(engine.logStore.lastIndex).toBe(19);
    expect(engine.stats().recovery.discarded).toBeGreaterThan(0);
    await engine.close();
  });

  test.each([
    ['cut off', (place: Place, end: number) => truncateSync(place.wal, end)],
    ['zero', (place: Place, end: number) => zeroFrom(place.wal, end)],
  ])('where the last commits are %s, the log ends before them', async (_how, damage) => {
    const place = new Place();
    await place.writeAndKill(20, 1);
    place.forgetWitness();
    damage(place, 32 + 20 * FRAME_BYTES);
    const engine = await place.open();
    expect(engine.logStore.lastIndex).toBeGreaterThan(0);
    expect(engine.logStore.lastIndex).toBeLessThan(19);
    await engine.close();
  });

  test('in buffered mode any damage to the write-ahead log ends the log there', async () => {
    const place = new Place();
    await place.writeAndKill(20, 1, { durability: 'buffered' });
    place.forgetWitness();
    flipByte(place.wal, 32 + 20 * FRAME_BYTES + 1000);
    const engine = await place.open();
    expect(engine.logStore.lastIndex).toBeLessThan(20);
    expect(engine.stats().recovery.discarded).toBeGreaterThan(0);
    await engine.close();
  });
});

describe('the database file', () => {
  test('missing, it is CORRUPTION, and none is made in its place', async () => {
    const place = await closedStore();
    rmSync(place.database);
    await expectRefused(place, 'missing');
  });

  test.each([
    ['emptied', (place: Place) => truncateSync(place.database, 0)],
    ['overwritten', (place: Place) => writeFileSync(place.database, 'something else '.repeat(1000))],
    ['cut in the middle', (place: Place) => truncateSync(place.database, place.databaseBytes / 2)],
  ])('%s, it is CORRUPTION', async (_how, damage) => {
    const place = await closedStore();
    damage(place);
    await expectRefused(place, '');
  });
});

describe('salvage', () => {
  test('opens a log with damaged blocks, and what is repaired is whole again', async () => {
    const place = await closedStore();
    const at = readFileSync(place.database).indexOf('entry 700 ');
    flipByte(place.database, at);
    await rejection('CORRUPTION', readAll(place));
    const engine = await place.open({ onCorruption: 'salvage' });
    const { logStore } = engine;
    const [range] = logStore.damagedRanges;
    expect(logStore.damagedRanges.length).toBe(1);
    expect(range?.first).toBeLessThanOrEqual(700);
    expect(range?.last).toBeGreaterThanOrEqual(700);
    await logStore.repair(entries(range?.first ?? 0, range?.last ?? 0));
    await engine.close();
    expect(await readAll(place)).toEqual(entries(1, 2000));
  });

  test('opens a log that lost commits which the witness saw', async () => {
    const place = await closedStore();
    const old = readFileSync(place.database);
    const writer = await place.open();
    await writer.logStore.persistEntries(entries(2001, 2020));
    await writer.close();
    writeFileSync(place.database, old);
    await rejection('CORRUPTION', place.open());
    const engine = await place.open({ onCorruption: 'salvage' });
    expect(engine.logStore.damagedRanges).toEqual([{ first: 2001, last: 2020 }]);
    await engine.logStore.repair(entries(2001, 2020));
    await engine.close();
    expect(await readAll(place, 2020)).toEqual(entries(1, 2020));
  });

  test('refuses a tree that is damaged itself: a repair would write into it', async () => {
    const place = await closedStore();
    // The root of the table of blocks is the third page: first page, page of pointers, first table.
    flipByte(place.database, 2 * PAGE_BYTES + 8);
    const before = place.contents();
    const error = await rejection('CORRUPTION', place.open({ onCorruption: 'salvage' }));
    expect(error.message).toContain('structure');
    expect(place.contents()).toEqual(before);
  });
});

/** 2,000 entries in a store that was closed: all in the database file. */
async function closedStore(): Promise<Place> {
  const place = new Place();
  const engine = await place.open({ cacheBytes: 0 });
  for (let first = 1; first < 2000; first += 100) await engine.logStore.persistEntries(entries(first, first + 99));
  await engine.close();
  return place;
}

async function readAll(place: Place, last = 2000): Promise<unknown> {
  const engine = await place.open({ cacheBytes: 0 });
  try {
    return await engine.logStore.getEntries(1, last);
  } finally {
    await engine.close();
  }
}

async function expectRefused(place: Place, message: string, options: Partial<SqliteOptions> = {}): Promise<void> {
  const before = place.contents();
  const error = await rejection('CORRUPTION', place.open(options));
  expect(error.message).toContain(message);
  expect(place.contents(), 'a directory that is refused is left as it was').toEqual(before);
}

function zeroFrom(path: string, offset: number): void {
  const { size } = statSync(path);
  truncateSync(path, offset);
  truncateSync(path, size);
}

function flipByte(path: string, offset: number): void {
  const file = openSync(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8() ^ 0x10);
    writeSync(file, byte, 0, 1, offset);
  } finally {
    closeSync(file);
  }
}
