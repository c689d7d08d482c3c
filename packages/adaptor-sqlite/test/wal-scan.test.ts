import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { scanWal } from '../src/wal-scan.ts';

const COMMITS = 12;

const directory = mkdtempSync(join(tmpdir(), 'raftlog-wal-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each([512, 4096, 65_536])('a WAL with pages of %i bytes', (pageBytes) => {
  const path = join(directory, `${pageBytes}.db`);
  const wal = `${path}-wal`;
  const frameBytes = pageBytes + 24;
  makeWal(path, pageBytes);
  const whole = readFileSync(wal);
  const frames = Math.floor((whole.byteLength - 32) / frameBytes);

  test('whole, it ends where SQLite says, though an older run of the log lies behind', () => {
    const { framesThatCount } = openCopy(path);
    const tail = scanWal(wal);
    expect(tail).toEqual({ offset: 32 + framesThatCount * frameBytes, bytes: 0, commits: 0 });
    expect(framesThatCount).toBeLessThan(frames);
  });

  test('damaged or cut anywhere, it ends where SQLite says', () => {
    const { framesThatCount } = openCopy(path);
    const offsets = [0, 5, 10, 18, 24, 24 + Math.floor(pageBytes / 2)];
    for (let frame = 0; frame < framesThatCount; frame++) {
      const at = 32 + frame * frameBytes + (offsets[frame % offsets.length] ?? 0);
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      const copy = copyWith(path, damaged);
      const tail = scanWal(`${copy}-wal`);
      expect(tail.offset).toBe(32 + openCopy(copy).framesThatCount * frameBytes);
      truncateSync(`${copy}-wal`, at);
      const cut = scanWal(`${copy}-wal`);
      expect(cut.offset).toBe(32 + openCopy(copy).framesThatCount * frameBytes);
      expect(cut.commits).toBe(0);
    }
  });

  test('it counts the commits that lie behind the damage', () => {
    const ends = commitEnds(whole, frameBytes);
    const [first = 0, second = 0] = ends;
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(second - 1) ^ 1, second - 1);
    const tail = scanWal(`${copyWith(path, damaged)}-wal`);
    const end = ends.at(-1) ?? 0;
    expect(tail).toEqual({ offset: first, bytes: end - first, commits: ends.length - 1 });
  });

  test('a damaged header is told from a WAL that has none yet', () => {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(damaged.readUInt8(20) ^ 1, 20);
    const copy = copyWith(path, damaged);
    expect(scanWal(`${copy}-wal`)).toEqual({ offset: 0, bytes: 0, commits: 0 });
    for (const length of [0, 20, 32]) {
      truncateSync(`${copy}-wal`, length);
      expect(scanWal(`${copy}-wal`)).toEqual({ offset: 32, bytes: 0, commits: 0 });
    }
    rmSync(`${copy}-wal`);
    expect(scanWal(`${copy}-wal`)).toEqual({ offset: 32, bytes: 0, commits: 0 });
  });
});

/** A database whose WAL has been through a checkpoint: a short run of the log over a longer, older one. */
function makeWal(path: string, pageBytes: number): void {
  const open = new Database(path);
  open.pragma(`page_size = ${pageBytes}`);
  open.pragma('journal_mode = WAL');
  open.pragma('wal_autocheckpoint = 0');
  open.exec('CREATE TABLE rows (key INTEGER PRIMARY KEY, bytes BLOB)');
  const insert = open.prepare('INSERT INTO rows (bytes) VALUES (?)');
  for (let row = 0; row < 3 * COMMITS; row++) insert.run(Buffer.alloc(pageBytes, row));
  open.pragma('wal_checkpoint(PASSIVE)');
  for (let row = 0; row < COMMITS; row++) insert.run(Buffer.alloc(pageBytes / 2, row));
  // As a killed process leaves it.
  const left = { database: readFileSync(path), wal: readFileSync(`${path}-wal`) };
  open.close();
  writeFileSync(path, left.database);
  writeFileSync(`${path}-wal`, left.wal);
}

function copyWith(path: string, wal: Uint8Array): string {
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  writeFileSync(`${copy}-wal`, wal);
  return copy;
}

/** What SQLite's own recovery makes of it. The files stay as they are. */
function openCopy(path: string): { readonly framesThatCount: number } {
  const copy = `${path}.opened`;
  copyFileSync(path, copy);
  copyFileSync(`${path}-wal`, `${copy}-wal`);
  const database = new Database(copy);
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    const [row] = database.pragma('wal_checkpoint(NOOP)') as { log: number }[];
    return { framesThatCount: Math.max(0, row?.log ?? 0) };
  } finally {
    database.close();
  }
}

/** Offsets behind the commits of the newest run. */
function commitEnds(wal: Buffer, frameBytes: number): number[] {
  const ends: number[] = [];
  for (let at = 32; at + frameBytes <= wal.byteLength; at += frameBytes) {
    if (wal.compare(wal, 16, 24, at + 8, at + 16) === 0 && wal.readUInt32BE(at + 4) !== 0) ends.push(at + frameBytes);
  }
  return ends;
}
