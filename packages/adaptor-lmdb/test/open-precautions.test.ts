import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileIo } from '@raftlog/core';
import { nodeFileIo } from '@raftlog/kit';
import { describe, expect, test } from 'vitest';
import { LmdbStorageEngine } from '../src/index.ts';
import { inTemporaryDirectory, openBlocks, put } from './support/test-store.ts';

// In each of these lmdb-js would end the process.
describe('a database that LMDB could not open', () => {
  test('is refused where its lock file is something else', () =>
    inTemporaryDirectory(async (directory) => {
      await (await LmdbStorageEngine.open({ directory })).close();
      const lock = join(directory, 'blocks', 'lock.mdb');
      await rm(lock);
      await mkdir(lock);
      await expect(LmdbStorageEngine.open({ directory })).rejects.toMatchObject({ code: 'STORE_FAILED' });
      await rm(lock, { recursive: true });
      await (await LmdbStorageEngine.open({ directory })).close();
    }));

  test.each(['EACCES', 'EROFS', 'EMFILE'])('is refused where its files may not be opened: %s', (code) =>
    inTemporaryDirectory(async (directory) => {
      const { blocks } = await openBlocks(directory, true);
      await blocks.commit(put(1, 1, [100]));
      await blocks.close();
      let opened = 0;
      const open: FileIo['open'] = (path, mode) =>
        ++opened < 4 ? nodeFileIo.open(path, mode) : Promise.reject(Object.assign(new Error(code), { code }));
      const opening = openBlocks(directory, false, { fileIo: { ...nodeFileIo, open } });
      await expect(opening).rejects.toMatchObject({ code });
    }),
  );

  test('is refused where the device has no room for its lock file', () =>
    inTemporaryDirectory(async (directory) => {
      const { blocks } = await openBlocks(directory, true);
      await blocks.commit(put(1, 1, [100]));
      await blocks.close();
      const lock = join(directory, 'lock.mdb');
      await truncate(lock, 0);
      const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      const open: FileIo['open'] = async (path, mode) =>
        Object.assign(await nodeFileIo.open(path, mode), { write: () => Promise.reject(full) });
      await expect(openBlocks(directory, false, { fileIo: { ...nodeFileIo, open } })).rejects.toBe(full);
      await writeFile(lock, '');
      await (await openBlocks(directory, false)).blocks.close();
      expect((await readFile(lock)).byteLength).toBe(16_384);
    }));

  test.skipIf(process.platform !== 'linux')('is refused where the map does not fit', () =>
    inTemporaryDirectory(async (directory) => {
      const script = fileURLToPath(new URL('./support/open-with-little-memory.mjs', import.meta.url));
      const run = (mapSize: number): string =>
        spawnSync(
          'bash',
          ['-c', 'ulimit -v 4000000; exec "$@"', '', process.execPath, script, directory, String(mapSize)],
          {
            encoding: 'utf8',
          },
        ).stdout;
      expect(run(2 ** 36)).toMatch(/^INVALID_ARGUMENT mapSize is 68719476736, but/);
      expect(run(2 ** 28)).toBe('opened\n');
    }),
  );
});
