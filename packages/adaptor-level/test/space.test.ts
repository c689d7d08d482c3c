import { randomFillSync } from 'node:crypto';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry, LogStore } from '@raftlog/core';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { LevelStorageEngine } from '../src/index.ts';
import type { Database } from '../src/level-blocks.ts';
import { append, headerOf, TestStore, withDirectory } from './support/level-store.ts';

const MIB = 1024 * 1024;

async function write(log: LogStore, bytes: number): Promise<void> {
  for (let written = 0; written < bytes; written += 256 * 1024) {
    const first = log.lastIndex + 1;
    const entry = (_: unknown, at: number): Entry => ({
      index: first + at,
      term: 1,
      kind: 'command',
      data: randomFillSync(new Uint8Array(1024)),
    });
    await log.persistEntries(Array.from({ length: 256 }, entry));
  }
}

async function allocatedBytes(directory: string): Promise<number> {
  const names = await readdir(directory);
  // Some may be gone before they are looked at.
  const sizes = names.map((name) =>
    stat(join(directory, name)).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** In the background: when, depends on the machine; that it does, doesn't. */
async function shrunkBelow(directory: string, bytes: number): Promise<void> {
  while ((await allocatedBytes(directory)) > bytes) await sleep(20);
}

describe('space', () => {
  test('goes back to the file system after a purge, by itself, while appends go on', async () => {
    await withDirectory(async (directory) => {
      const engine = await LevelStorageEngine.open({ directory });
      const log = engine.logStore;
      const blocks = join(directory, 'blocks');
      await write(log, 48 * MIB);
      expect(await allocatedBytes(blocks)).toBeGreaterThan(48 * MIB);
      await log.purge({ index: log.lastIndex - 100, term: 1 });
      await Promise.all([shrunkBelow(blocks, 20 * MIB), write(log, 2 * MIB)]);
      expect(await log.getEntries(log.firstIndex, log.lastIndex)).toHaveLength(100 + 2 * 1024);
      await engine.close();
    });
  });

  test('goes back after a reset', async () => {
    await withDirectory(async (directory) => {
      const engine = await LevelStorageEngine.open({ directory });
      const blocks = join(directory, 'blocks');
      await write(engine.logStore, 24 * MIB);
      await engine.logStore.reset({ index: 1_000_000, term: 1 });
      await shrunkBelow(blocks, 12 * MIB);
      await engine.close();
    });
  });

  test('a close waits for the piece under way only, and what is left is taken with the next purge', async () => {
    await withDirectory(async (directory) => {
      const blocks = join(directory, 'blocks');
      let engine = await LevelStorageEngine.open({ directory });
      await write(engine.logStore, 32 * MIB);
      await engine.logStore.purge({ index: engine.logStore.lastIndex - 200, term: 1 });
      await engine.close();
      engine = await LevelStorageEngine.open({ directory });
      await engine.logStore.purge({ index: engine.logStore.lastIndex - 100, term: 1 });
      await shrunkBelow(blocks, 12 * MIB);
      await engine.close();
    });
  });

  test('a poisoned engine compacts nothing any more', async () => {
    await withDirectory(async (directory) => {
      const store = await TestStore.open(directory, { create: true }, { writeBufferSize: 4 * MIB });
      for (let key = 1; key <= 600; key++) await store.commit(append(key, [key], 64 * 1024));
      store.poison.abort();
      await store.commit({ sequence: 601, removeThrough: 599, put: [], header: headerOf(601) });
      const before = await allocatedBytes(directory);
      await sleep(200);
      expect(await allocatedBytes(directory)).toBeGreaterThanOrEqual(before);
      await store.close();
      expect(await allocatedBytes(directory)).toBeGreaterThan(30 * MIB);
    });
  });
});

test('a log that only grows is never compacted: no table is written twice', async () => {
  await withDirectory(async (directory) => {
    const store = await TestStore.open(directory, { create: true }, { writeBufferSize: MIB });
    for (let key = 1; key <= 400; key++) await store.commit(append(key, [key], 64 * 1024));
    await store.close();
    // LevelDB tells what it did since it was opened: so it is asked before anything is due.
    const database: Database = new ClassicLevel(directory, { keyEncoding: 'view', valueEncoding: 'view' });
    await database.open();
    const files = [0, 1].map((level) => Number(database.getProperty(`leveldb.num-files-at-level${level}`)));
    await database.close();
    // What was in the log at the close went to level 0; all the rest straight to level 2.
    expect(files).toEqual([1, 0]);
  });
});

test('the directory of LevelDB may hold files that it does not know', async () => {
  await withDirectory(async (directory) => {
    const store = await TestStore.open(directory, { create: true });
    await store.commit(append(1, [1]));
    await store.close();
    await mkdir(join(directory, 'lost+found'));
    const again = await TestStore.open(directory);
    expect(again.opened.lastIndex).toBe(1);
    await again.close();
  });
});
