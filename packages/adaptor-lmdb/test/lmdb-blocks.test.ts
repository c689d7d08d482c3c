import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileIo } from '@raftlog/core';
import { nodeFileIo } from '@raftlog/kit';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDataFile } from '../src/data-file-recovery.ts';
import { block, header, inTemporaryDirectory, openBlocks, put } from './support/test-store.ts';

const ALL = Number.MAX_SAFE_INTEGER;

/** What happens to a log. `at` picks a key that is there. */
const change = fc.record(
  {
    removeFrom: fc.option(fc.nat(), { freq: 4, nil: undefined }),
    removeThrough: fc.option(fc.nat(), { freq: 4, nil: undefined }),
    sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 70_000 })), {
      maxLength: 12,
    }),
    reopen: fc.boolean(),
  },
  { requiredKeys: ['removeFrom', 'removeThrough', 'sizes', 'reopen'] },
);

describe('a store of blocks', () => {
  test('holds what a map would hold, in a file that passes its own check', { timeout: 120_000 }, async () => {
    const property = fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 50 }),
      fc.constantFrom(4096, 16_384, 65_536),
      (changes, pageSize) =>
        inTemporaryDirectory(async (directory) => {
          let { blocks } = await openBlocks(directory, true, { pageSize });
          let model = new Map<number, number>();
          for (const [i, { removeFrom, removeThrough, sizes, reopen }] of changes.entries()) {
            const keys = [...model.keys()];
            const from = removeFrom === undefined ? undefined : (keys[removeFrom % keys.length] ?? 1);
            const through = removeThrough === undefined ? undefined : (keys[removeThrough % keys.length] ?? 1);
            model = new Map([...model].filter(([key]) => key < (from ?? ALL) && key > (through ?? 0)));
            const first = Math.max(0, ...model.keys(), through ?? 0) + 1;
            await blocks.commit({
              ...put(i + 1, first, sizes),
              ...(from === undefined ? {} : { removeFrom: from }),
              ...(through === undefined ? {} : { removeThrough: through }),
            });
            for (const [position, size] of sizes.entries()) model.set(first + position, size);
            if (reopen) {
              await blocks.close();
              const reopened = await openBlocks(directory, false);
              expect(reopened.opened).toEqual({ header: header(i + 1), lastIndex: [...model.keys()].at(-1) });
              blocks = reopened.blocks;
            } else await checkDataFile(nodeFileIo, join(directory, 'data.mdb'));
          }
          const expected = [...model].map(([key, size]) => block(key, size));
          expect(await blocks.readBlocks(1, ALL, ALL)).toEqual(expected);
          await blocks.close();
        }),
    );
    await fc.assert(property, { numRuns: 40, seed: 1 });
  });

  test('reads from the first key at or above to the first key at or above, at least one', () =>
    inTemporaryDirectory(async (directory) => {
      const { blocks } = await openBlocks(directory, true);
      const entries = [10, 20, 30, 40].map((key) => block(key, 1000));
      await blocks.commit({ sequence: 1, put: entries, header: header(1) });
      const keysOf = async (first: number, last: number, maxBytes = ALL): Promise<number[]> =>
        (await blocks.readBlocks(first, last, maxBytes)).map(({ key }) => key);
      expect(await keysOf(1, 1)).toEqual([10]);
      expect(await keysOf(0, 10)).toEqual([10]);
      expect(await keysOf(10, 11)).toEqual([10, 20]);
      expect(await keysOf(11, 30)).toEqual([20, 30]);
      expect(await keysOf(1, ALL, 1)).toEqual([10]);
      expect(await keysOf(1, ALL, 1001)).toEqual([10, 20]);
      expect(await keysOf(41, ALL)).toEqual([]);
      await blocks.close();
    }));

  test('what it read stays what it was, whatever is read and written later', () =>
    inTemporaryDirectory(async (directory) => {
      const { blocks } = await openBlocks(directory, true);
      await blocks.commit(put(1, 1, [500, 60_000, 500]));
      const found = await blocks.readBlocks(1, 3, ALL);
      const copies = found.map(({ bytes }) => Buffer.from(bytes));
      await blocks.commit({ ...put(2, 1, [60_000, 500, 700]), removeFrom: 1 });
      await blocks.readBlocks(1, 3, ALL);
      await blocks.close();
      expect(found.map(({ bytes }) => Buffer.from(bytes))).toEqual(copies);
    }));

  test('lets the event loop go on while it reads or removes much', () =>
    inTemporaryDirectory(async (directory) => {
      const { blocks } = await openBlocks(directory, true);
      await blocks.commit(put(1, 1, new Array(64).fill(65_536)));
      await blocks.commit(put(2, 65, new Array(5000).fill(20)));
      expect(await turnsDuring(blocks.readBlocks(1, 64, ALL))).toBeGreaterThanOrEqual(30);
      expect(await turnsDuring(blocks.commit({ ...put(3, 66, []), removeFrom: 66 }))).toBeGreaterThanOrEqual(9);
      expect((await blocks.readBlocks(65, ALL, ALL)).map(({ key }) => key)).toEqual([65]);
      await blocks.close();
    }));

  // lmdb-js hands out values of more than 16 MiB another way: as views on the map, which ends when the database is closed.
  test('very large blocks come back, also when the database was opened anew at another place in memory', () =>
    inTemporaryDirectory(async (directory) => {
      const sizes = [20, 17, 33].map((mib) => mib * 2 ** 20 + 1);
      const { blocks } = await openBlocks(directory, true);
      await blocks.commit(put(1, 1, sizes));
      await blocks.close();
      for (const mapSize of [2 ** 20, 2 ** 36, 2 ** 28, 2 ** 36]) {
        const again = await openBlocks(directory, false, { mapSize });
        for (const [i, size] of sizes.entries()) {
          const [found] = await again.blocks.readBlocks(i + 1, i + 1, ALL);
          expect(Buffer.compare(found?.bytes ?? Buffer.alloc(0), block(i + 1, size).bytes)).toBe(0);
        }
        await again.blocks.close();
      }
    }));
});

describe('what is durable', () => {
  test('settle writes the meta page that counts again as it is, and syncs it', () =>
    inTemporaryDirectory(async (directory) => {
      const path = join(directory, 'data.mdb');
      const { blocks } = await openBlocks(directory, true);
      for (const sequence of [1, 2, 3]) await blocks.commit(put(sequence, sequence, [100]));
      await blocks.close();
      const before = await readFile(path);
      const { calls, fileIo } = recordingFileIo();
      const { blocks: reopened } = await openBlocks(directory, false, { fileIo });
      expect(calls).toEqual([]);
      await reopened.settle();
      expect(calls).toEqual([`write 168 at ${before.readUInt32LE(48)}`, 'datasync']);
      await reopened.close();
      expect(await readFile(path)).toEqual(before);
    }));

  test('a commit is synced once more where the system is content with the cache of the drive', () =>
    inTemporaryDirectory(async (directory) => {
      const { calls, fileIo } = recordingFileIo();
      const { blocks } = await openBlocks(directory, true, { fileIo });
      await blocks.commit(put(1, 1, [100]));
      expect(calls).toEqual([]);
      const { platform } = process;
      Object.defineProperty(process, 'platform', { value: 'darwin' });
      await blocks
        .commit(put(2, 2, [100]))
        .finally(() => Object.defineProperty(process, 'platform', { value: platform }));
      expect(calls).toEqual(['datasync']);
      await blocks.close();
    }));
});

/** Node's, and what was written to the database and synced through it. */
function recordingFileIo(): { readonly calls: string[]; readonly fileIo: FileIo } {
  const calls: string[] = [];
  const open: FileIo['open'] = async (path, ...how) => {
    const file = await nodeFileIo.open(path, ...how);
    if (!path.endsWith('data.mdb')) return file;
    return {
      read: (...to) => file.read(...to),
      write: async (chunks, position) => {
        await file.write(chunks, position);
        calls.push(`write ${Buffer.concat(chunks).byteLength} at ${position}`);
      },
      datasync: async () => {
        await file.datasync();
        calls.push('datasync');
      },
      truncate: (size) => file.truncate(size),
      size: () => file.size(),
      close: () => file.close(),
    };
  };
  return { calls, fileIo: { ...nodeFileIo, open } };
}

/** How often the event loop came round until `work` was done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise(setImmediate);
    turns++;
  }
  await done;
  return turns;
}
