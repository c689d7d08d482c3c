import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { inTemporaryDirectory, openBlocks, put } from './support/test-store.ts';

const left = vi.hoisted(() => ({ bavail: 300, bsize: 4096 }));

vi.mock(import('node:fs'), async (actual) => ({ ...(await actual()), statfsSync: () => ({ ...left }) as never }));

test('a commit that might fill the device is refused before LMDB writes, unless it only removes', () =>
  inTemporaryDirectory(async (directory) => {
    const { blocks } = await openBlocks(directory, true);
    await blocks.commit(put(1, 1, [60_000, 10_000]));
    const path = join(directory, 'data.mdb');
    const before = await readFile(path);
    await expect(blocks.commit(put(2, 3, [60_000, 60_000]))).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readFile(path)).toEqual(before);
    left.bavail = 0;
    await blocks.commit({ ...put(2, 3, []), removeThrough: 1 });
    expect((await blocks.readBlocks(1, 9, 1)).map(({ key }) => key)).toEqual([2]);
    await blocks.close();
  }));
