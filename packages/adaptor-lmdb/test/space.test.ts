import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Entry, LmdbStorageEngine } from '../src/index.ts';
import { inTemporaryDirectory } from './support/test-store.ts';

const MIB = 1024 * 1024;

function batch(first: number, count: number, bytes: number): Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    index: first + i,
    term: 1,
    kind: 'command',
    data: Buffer.alloc(bytes, i),
  }));
}

const sizeOf = async (directory: string): Promise<number> => (await stat(join(directory, 'blocks', 'data.mdb'))).size;

describe('space', () => {
  // In batches of very different sizes, so that what one leaves free rarely fits the next.
  test('is used again after a purge: the file stops growing', { timeout: 120_000 }, () =>
    inTemporaryDirectory(async (directory) => {
      const engine = await LmdbStorageEngine.open({ directory });
      const log = engine.logStore;
      const sizes: number[] = [];
      for (let round = 0; round < 60; round++) {
        for (const count of [1, 300, 7, 40, 1, 150])
          await log.persistEntries(batch(log.lastIndex + 1, count, 200 + 37 * (round % 7)));
        await log.purge({ index: Math.max(log.firstIndex, log.lastIndex - 1500), term: 1 });
        sizes.push(await sizeOf(directory));
      }
      await engine.close();
      expect(sizes.at(-1)).toBeLessThanOrEqual(1.25 * (sizes[14] ?? 0));
      expect(sizes.at(-1)).toBeLessThan(4 * MIB);
    }),
  );

  test('is not given back to the file system', () =>
    inTemporaryDirectory(async (directory) => {
      const engine = await LmdbStorageEngine.open({ directory });
      await engine.logStore.persistEntries(batch(1, 5000, 1000));
      const full = await sizeOf(directory);
      await engine.logStore.reset({ index: 9000, term: 2 });
      await engine.close();
      await (await LmdbStorageEngine.open({ directory })).close();
      expect(await sizeOf(directory)).toBeGreaterThanOrEqual(full);
    }));

  test('may outgrow mapSize', () =>
    inTemporaryDirectory(async (directory) => {
      const engine = await LmdbStorageEngine.open({ directory, mapSize: MIB, cacheBytes: 0 });
      const log = engine.logStore;
      for (let round = 0; round < 20; round++) await log.persistEntries(batch(log.lastIndex + 1, 100, 5000));
      expect(await sizeOf(directory)).toBeGreaterThan(8 * MIB);
      const found = await log.getEntries(1, 2000);
      expect(found.map(({ index, data }) => [index, data[4999]])).toEqual(found.map((_, i) => [i + 1, i % 100]));
      await engine.close();
    }));
});
