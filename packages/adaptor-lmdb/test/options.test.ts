import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type LmdbOptions, LmdbStorageEngine } from '../src/index.ts';
import { inTemporaryDirectory } from './support/test-store.ts';

describe('options', () => {
  test.each<[string, Partial<Record<keyof LmdbOptions, unknown>>]>([
    ['mapSize', { mapSize: 1024 }],
    ['mapSize', { mapSize: 2 ** 45 }],
    ['mapSize', { mapSize: 1.5 * 2 ** 20 + 0.5 }],
    ['mapSize', { mapSize: '1 GiB' }],
    ['pageSize', { pageSize: 2048 }],
    ['pageSize', { pageSize: 5000 }],
    ['pageSize', { pageSize: 131_072 }],
  ])('refuses a bad %s: %j', (argument, options) =>
    inTemporaryDirectory(async (parent) => {
      const directory = join(parent, 'store');
      const opening = LmdbStorageEngine.open({ directory, ...(options as Partial<LmdbOptions>) });
      await expect(opening).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: { argument } });
    }),
  );

  test('refuses to be buffered', () =>
    inTemporaryDirectory(async (directory) => {
      const opening = LmdbStorageEngine.open({ directory, durability: 'buffered' });
      await expect(opening).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    }));

  test('takes none of LMDB that would break durability', () =>
    inTemporaryDirectory(async (directory) => {
      const options = {
        directory,
        noSync: true,
        noMetaSync: true,
        overlappingSync: true,
        useWritemap: true,
        readOnly: true,
      };
      const engine = await LmdbStorageEngine.open(options);
      await engine.logStore.persistEntries([{ index: 1, term: 1, kind: 'noop', data: Buffer.alloc(0) }]);
      await engine.close();
      // With useWritemap the file would be as long as the map, with overlappingSync there would be a third meta page.
      const bytes = await readFile(join(directory, 'blocks', 'data.mdb'));
      expect(bytes.byteLength).toBeLessThan(100_000);
      expect(bytes.readUInt32LE(2048 + 24)).toBe(0);
    }));

  test('makes a database with pages of the size that is asked for, and keeps it', () =>
    inTemporaryDirectory(async (directory) => {
      for (const pageSize of [16_384, 4096]) {
        const engine = await LmdbStorageEngine.open({ directory, pageSize });
        await engine.close();
        const bytes = await readFile(join(directory, 'blocks', 'data.mdb'));
        expect(bytes.readUInt32LE(48)).toBe(16_384);
      }
    }));
});
