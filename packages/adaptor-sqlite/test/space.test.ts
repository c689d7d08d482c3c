import diagnostics from 'node:diagnostics_channel';
import { readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { DiagnosticsEvents } from '@raftlog/kit';
import { expect, test } from 'vitest';
import { entries } from './support/entries.ts';
import { Place } from './support/place.ts';

const MIB = 1024 * 1024;

test('what a purge frees goes back to the file system in the background, while entries are appended', async () => {
  const place = new Place();
  const engine = await place.open({ cacheBytes: 0 });
  const log = engine.logStore;
  // 40 MiB, and then the end of it only.
  for (let first = 1; first < 40_000; first += 1000) await log.persistEntries(entries(first, first + 999, 1024));
  const { databaseBytes: before } = place;
  expect(before).toBeGreaterThan(30 * MIB);
  await log.purge({ index: 39_000, term: 1 });
  const deadline = Date.now() + 40_000;
  while (place.databaseBytes > 8 * MIB && Date.now() < deadline) {
    await log.persistEntries(entries(log.lastIndex + 1, log.lastIndex + 1));
    await setTimeout(5);
  }
  expect(place.databaseBytes).toBeLessThan(8 * MIB);
  expect((await log.getEntries(39_001, 40_000)).map(({ index }) => index)).toEqual(
    entries(39_001, 40_000).map(({ index }) => index),
  );
  await engine.close();
});

test('it goes on at the next open', async () => {
  const place = new Place();
  const engine = await place.open();
  for (let first = 1; first < 20_000; first += 1000)
    await engine.logStore.persistEntries(entries(first, first + 999, 1024));
  await engine.logStore.reset();
  await engine.close();
  expect(place.databaseBytes).toBeGreaterThan(16 * MIB);
  const again = await place.open();
  const deadline = Date.now() + 40_000;
  while (place.databaseBytes > 5 * MIB && Date.now() < deadline) await setTimeout(20);
  expect(place.databaseBytes).toBeLessThan(5 * MIB);
  await again.close();
});

test('free pages are used again: the file does not grow while as much is purged as is written', async () => {
  const place = new Place();
  const engine = await place.open();
  const log = engine.logStore;
  let highest = 0;
  for (let round = 0; round < 40; round++) {
    await log.persistEntries(entries(log.lastIndex + 1, log.lastIndex + 1000, 1024));
    const index = log.lastIndex - 3000;
    if (index > 0) await Promise.all([removed(index), log.purge({ index, term: 1 })]);
    highest = Math.max(highest, place.databaseBytes);
  }
  expect(highest).toBeLessThan(20 * MIB);
  await engine.close();
});

test('the write-ahead log is copied into the database each time it has grown to walBytes', async () => {
  const place = new Place();
  const engine = await place.open({ walBytes: MIB });
  const log = engine.logStore;
  for (let round = 0; round < 40; round++) {
    await log.persistEntries(entries(log.lastIndex + 1, log.lastIndex + 200, 1024));
    expect(statSync(place.wal).size).toBeLessThan(2 * MIB);
  }
  expect(place.databaseBytes).toBeGreaterThan(6 * MIB);
  await engine.close();
});

test('after a clean close all is in the one database file', async () => {
  const place = new Place();
  const engine = await place.open();
  await engine.logStore.persistEntries(entries(1, 100));
  expect(readdirSync(dirname(place.database)).sort()).toEqual(['blocks.db', 'blocks.db-shm', 'blocks.db-wal']);
  await engine.close();
  expect(readdirSync(dirname(place.database))).toEqual(['blocks.db']);
});

test('a commit that is far larger leaves no larger write-ahead log behind', async () => {
  const place = new Place();
  const engine = await place.open({ walBytes: MIB });
  const log = engine.logStore;
  await log.persistEntries(entries(1, 1, 20 * MIB));
  expect(statSync(place.wal).size).toBeGreaterThan(20 * MIB);
  await log.persistEntries(entries(2, 2));
  await log.persistEntries(entries(3, 3));
  expect(statSync(place.wal).size).toBeLessThanOrEqual(2 * MIB);
  await engine.close();
});

/** Resolves when what was purged up to `index` has been deleted from the database. */
function removed(index: number): Promise<void> {
  return new Promise((resolve) => {
    const look = (event: unknown): void => {
      if ((event as DiagnosticsEvents['purge']).through < index) return;
      diagnostics.unsubscribe('raftlog:purge', look);
      resolve();
    };
    diagnostics.subscribe('raftlog:purge', look);
  });
}
