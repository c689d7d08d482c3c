import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isStorageError } from '@raftlog/core';
import { createTestEntries } from '@raftlog/core/conformance';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { type LevelOptions, LevelStorageEngine } from '../src/index.ts';
import { withDirectory } from './support/level-store.ts';

const MIB = 1024 * 1024;

/** Sizes of the tables that a log of 8 MiB of zeros leaves. */
async function tablesOf(options: Partial<LevelOptions>): Promise<number[]> {
  return withDirectory(async (directory) => {
    const engine = await LevelStorageEngine.open({ directory, ...options });
    const data = new Uint8Array(64 * 1024);
    for (let index = 1; index <= 128; index++) {
      await engine.logStore.persistEntries([{ index, term: 1, kind: 'command', data }]);
    }
    await engine.close();
    const blocks = join(directory, 'blocks');
    const names = (await readdir(blocks)).filter((name) => name.endsWith('.ldb')).sort();
    return Promise.all(names.map(async (name) => (await stat(join(blocks, name))).size));
  });
}

describe('options', () => {
  test('sizes and compression reach the database', async () => {
    const [usual = 0] = await tablesOf({});
    expect(usual).toBeGreaterThan(4 * MIB);
    expect(usual).toBeLessThan(5 * MIB);
    const [small = 0] = await tablesOf({ writeBufferBytes: MIB });
    expect(small).toBeLessThan(1.5 * MIB);
    const [compressed = 0] = await tablesOf({ tableCompression: 'snappy' });
    expect(compressed).toBeLessThan(usual / 2);
  });

  test('a log reads the same with all of them', async () => {
    await withDirectory(async (directory) => {
      const entries = createTestEntries(1, 500, 1, { bytes: 2000 });
      const settings: readonly Partial<LevelOptions>[] = [
        { writeBufferBytes: 64 * 1024, tableBytes: MIB, maxOpenFiles: 74 },
        { blockCacheBytes: MIB, cacheBytes: 0, tableCompression: 'snappy' },
        { compression: 'deflate' },
        {},
      ];
      for (const [i, options] of settings.entries()) {
        const engine = await LevelStorageEngine.open({ directory, ...options });
        const written = entries.slice(i * 125, (i + 1) * 125);
        for (const entry of written) await engine.logStore.persistEntries([entry]);
        expect(await engine.logStore.getEntries(1, 500)).toEqual(entries.slice(0, (i + 1) * 125));
        await engine.close();
      }
    });
  });

  test.each<[string, unknown]>([
    ['writeBufferBytes', 64 * 1024 - 1],
    ['writeBufferBytes', 1024 * MIB + 1],
    ['writeBufferBytes', '4 MiB'],
    ['writeBufferBytes', Number.NaN],
    ['blockCacheBytes', -1],
    ['blockCacheBytes', null],
    ['tableBytes', MIB - 1],
    ['tableBytes', 1.5 * MIB + 0.5],
    ['maxOpenFiles', 73],
    ['maxOpenFiles', 50_001],
    ['tableCompression', true],
    ['tableCompression', 'zstd'],
  ])('%s: %s is refused', async (option, value) => {
    await withDirectory(async (root) => {
      const directory = join(root, 'store');
      const error: unknown = await LevelStorageEngine.open({ directory, [option]: value }).catch((e: unknown) => e);
      if (!isStorageError(error, 'INVALID_ARGUMENT')) throw error;
      expect(error.details).toMatchObject({ argument: option });
      expect(await readdir(root)).toEqual([]);
    });
  });

  test('those of the driver that would change what is stored, or how it is shared, are not passed on', async () => {
    await withDirectory(async (directory) => {
      const foreign: object = {
        multithreading: true,
        keyEncoding: 'utf8',
        valueEncoding: 'json',
        errorIfExists: true,
        createIfMissing: false,
        sync: false,
      };
      for (let attempt = 0; attempt < 2; attempt++) {
        const engine = await LevelStorageEngine.open({ directory, ...foreign });
        await engine.logStore.persistEntries(createTestEntries(attempt + 1, attempt + 1, 1));
        await engine.close();
      }
    });
  });

  test('buffered is refused: LevelDB has nothing that flush() could wait for', async () => {
    await withDirectory(async (directory) => {
      const open = LevelStorageEngine.open({ directory, durability: 'buffered' });
      await expect(open).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    });
  });
});

describe("LevelDB's own lock", () => {
  test('keeps other programs out while the engine is open', async () => {
    await withDirectory(async (directory) => {
      const engine = await LevelStorageEngine.open({ directory });
      const other = new ClassicLevel(join(directory, 'blocks'));
      await expect(other.open()).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } });
      await engine.logStore.persistEntries(createTestEntries(1, 1, 1));
      await engine.close();
    });
  });

  test('held by another program it is LOCKED', async () => {
    await withDirectory(async (directory) => {
      await (await LevelStorageEngine.open({ directory })).close();
      const other = new ClassicLevel(join(directory, 'blocks'));
      await other.open();
      await expect(LevelStorageEngine.open({ directory })).rejects.toMatchObject({
        code: 'LOCKED',
        details: { path: join(directory, 'blocks') },
      });
      await other.close();
      await (await LevelStorageEngine.open({ directory })).close();
    });
  });
});
