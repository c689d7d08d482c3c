import { cp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, isStorageError, RocksdbStorageEngine, type StorageErrorCode } from '@raftlog/adaptor-rocksdb';
import { damageFiles } from '@raftlog/crash-lab';
import { describe, expect, test } from 'vitest';
import { inTemporaryDirectory } from './support/blocks.ts';
import { rocksdbBuilder } from './support/rocksdb-builder.ts';

/** Turns over a byte in the largest file of RocksDB with this ending; `at`: how far into it. */
async function damage(directory: string, ending: string, at: number): Promise<void> {
  const names = (await readdir(join(directory, 'blocks'))).filter((name) => name.endsWith(ending));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, 'blocks', name);
      return { path, size: (await stat(path)).size };
    }),
  );
  const [largest] = files.sort((a, b) => b.size - a.size);
  const file = await open(largest?.path ?? '', 'r+');
  try {
    const offset = Math.floor((largest?.size ?? 0) * at);
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, offset);
    await file.write(Buffer.from([(buffer[0] ?? 0) ^ 0xff]), 0, 1, offset);
  } finally {
    await file.close();
  }
}

const entries: Entry[] = Array.from({ length: 20 }, (_, i) => ({
  index: i + 1,
  term: 1,
  kind: 'command',
  data: Buffer.alloc(1000, i),
}));

/** A log of 20 commits, an entry each. */
async function writeLog(directory: string): Promise<void> {
  const engine = await RocksdbStorageEngine.open({ directory });
  for (const entry of entries) await engine.logStore.persistEntries([entry]);
  await engine.close();
}

async function filesOf(directory: string): Promise<Map<string, string>> {
  const names = (await readdir(join(directory, 'blocks'))).sort();
  const contents = await Promise.all(names.map((name) => readFile(join(directory, 'blocks', name), 'latin1')));
  return new Map(names.map((name, i) => [name, contents[i] ?? '']));
}

async function refusal<Code extends StorageErrorCode>(code: Code, call: Promise<unknown> | undefined) {
  const error: unknown = await call?.catch((reason: unknown) => reason);
  if (isStorageError(error, code)) return error;
  throw new Error(`expected ${code}`, { cause: error });
}

describe('damaged files', () => {
  test('flipped bytes and cut files are refused or harmless, whichever file they are in', {
    timeout: 300_000,
  }, async () => {
    const options = { flips: 60, cuts: 30, seed: 1, files: /^blocks/ };
    const { damages, intact, refused } = await damageFiles(() => rocksdbBuilder(), options);
    const others = damages.filter(({ outcome }) => outcome !== 'intact' && outcome !== 'refused');
    expect(others).toEqual([]);
    expect(Object.keys(refused)).toEqual(['CORRUPTION']);
    expect(intact).toBeGreaterThan(0);
    // RocksDB doesn't read these two when it opens.
    const harmless = damages.filter(({ outcome }) => outcome === 'intact').map(({ file }) => file);
    expect(harmless.filter((file) => !/IDENTITY|OPTIONS/.test(file))).toEqual([]);
  });

  test('a write-ahead log that RocksDB would cut short in silence is CORRUPTION, left as it is, and can be repaired', () =>
    inTemporaryDirectory(async (directory) => {
      await writeLog(directory);
      await damage(directory, '.log', 0.5);
      const before = await filesOf(directory);
      await refusal('CORRUPTION', RocksdbStorageEngine.open({ directory }));
      expect(await filesOf(directory)).toEqual(before);

      const salvaged = await RocksdbStorageEngine.open({ directory, onCorruption: 'salvage' });
      const [lost = { first: 0, last: 0 }, ...others] = salvaged.logStore.damagedRanges ?? [];
      expect(others).toEqual([]);
      expect(lost.first).toBeGreaterThan(1);
      expect(lost.last).toBe(20);
      await refusal('CORRUPTION', salvaged.logStore.entry(20));
      await salvaged.logStore.repair?.(entries.slice(lost.first - 1));
      await salvaged.close();
      const repaired = await RocksdbStorageEngine.open({ directory });
      expect((await repaired.logStore.getEntries(1, 20)).map(({ data }) => data[0])).toEqual(entries.map((_, i) => i));
      await repaired.close();
    }));

  test('a damaged table is CORRUPTION, for a salvage too', () =>
    inTemporaryDirectory(async (directory) => {
      await writeLog(directory);
      // The open moves what is in the write-ahead log into a table.
      await (await RocksdbStorageEngine.open({ directory })).close();
      await damage(directory, '.sst', 0.5);
      await refusal('CORRUPTION', RocksdbStorageEngine.open({ directory }));
      await refusal('CORRUPTION', RocksdbStorageEngine.open({ directory, onCorruption: 'salvage' }));
    }));

  test('a store without its database is CORRUPTION, and gets no new one', () =>
    inTemporaryDirectory(async (directory) => {
      await writeLog(directory);
      for (const name of await readdir(join(directory, 'blocks'))) await rm(join(directory, 'blocks', name));
      await refusal('CORRUPTION', RocksdbStorageEngine.open({ directory }));
      expect(await readdir(join(directory, 'blocks'))).toEqual([]);
    }));

  // What is left, as the README says. Should this ever be noticed, the README can promise more.
  test('damage to a commit that the witness has not seen, found after a crash, reads as torn', () =>
    inTemporaryDirectory(async (parent) => {
      const [directory, image] = [join(parent, 'running'), join(parent, 'image')];
      const engine = await RocksdbStorageEngine.open({ directory });
      for (const entry of entries.slice(0, 10)) await engine.logStore.persistEntries([entry]);
      await cp(join(directory, 'witness'), join(parent, 'witness'));
      for (const entry of entries.slice(10)) await engine.logStore.persistEntries([entry]);
      // As a crash would leave it, the witness up to a second behind.
      await cp(directory, image, { recursive: true });
      await cp(join(parent, 'witness'), join(image, 'witness'));
      await engine.close();
      await damage(image, '.log', 0.99);
      const found = await RocksdbStorageEngine.open({ directory: image });
      expect(found.logStore.lastIndex).toBe(19);
      expect(found.stats().recovery.discarded).toBeGreaterThan(1000);
      await found.close();
    }));
});
