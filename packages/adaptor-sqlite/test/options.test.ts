import { existsSync } from 'node:fs';
import type { SqliteOptions } from '@raftlog/adaptor-sqlite';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { entries, rejection } from './support/entries.ts';
import { Place } from './support/place.ts';

test.each<[keyof SqliteOptions, unknown]>([
  ['pageBytes', 256],
  ['pageBytes', 3000],
  ['pageBytes', 131_072],
  ['pageBytes', '4096; PRAGMA synchronous = OFF'],
  ['pageCacheBytes', 1024],
  ['pageCacheBytes', Number.NaN],
  ['walBytes', 0],
  ['walBytes', 1.5e6 + 0.5],
  ['walBytes', 2 ** 31],
])('%s: %s is refused before anything of the database is made', async (option, value) => {
  const place = new Place();
  const error = await rejection('INVALID_ARGUMENT', place.open({ [option]: value }));
  expect(error.message).toContain(option);
  expect(existsSync(place.database)).toBe(false);
});

test('the size of the pages is that of the time when the database was made', async () => {
  const place = new Place();
  await (await place.open({ pageBytes: 32_768 })).close();
  await (await place.open({ pageBytes: 512 })).close();
  const database = new Database(place.database, { readonly: true });
  try {
    expect(database.pragma('page_size', { simple: true })).toBe(32_768);
    expect(database.pragma('auto_vacuum', { simple: true })).toBe(2);
  } finally {
    database.close();
  }
});

test('options that SQLite would take but this adaptor does not offer change nothing', async () => {
  const place = new Place();
  const unknown = { synchronous: 'OFF', journal_mode: 'MEMORY' } as Partial<SqliteOptions>;
  const engine = await place.open(unknown);
  await engine.logStore.persistEntries(entries(1, 3));
  expect(existsSync(place.wal)).toBe(true);
  await engine.close();
});

test('a program that has the database open makes it LOCKED if it stands in the way of the recovery', async () => {
  const place = new Place();
  await place.writeAndKill(2, 1);
  const other = new Database(place.database);
  other.exec('BEGIN; SELECT count(*) FROM blocks');
  other.prepare('SELECT count(*) FROM blocks').get();
  try {
    const error = await rejection('LOCKED', place.open());
    expect(error.message).toContain('Another program');
  } finally {
    other.close();
  }
  const engine = await place.open();
  expect(engine.logStore.lastIndex).toBe(2);
  await engine.close();
});
