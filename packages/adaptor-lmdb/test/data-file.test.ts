import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isStorageError } from '@raftlog/core';
import { nodeFileIo } from '@raftlog/kit';
import { describe, expect, test } from 'vitest';
import { checkDataFile } from '../src/data-file-recovery.ts';
import { inTemporaryDirectory, openBlocks, put } from './support/test-store.ts';

const PAGE = 4096;
const KIND = { branch: 1, leaf: 2, largeValue: 4 };

/** A data file, and where its parts are. */
class DataFile {
  readonly bytes: Buffer;
  readonly path: string;

  constructor(bytes: Buffer, path: string) {
    this.bytes = bytes;
    this.path = path;
  }

  /** Where the meta page that counts begins. */
  get meta(): number {
    return this.bytes.readBigUInt64LE(152) > this.bytes.readBigUInt64LE(PAGE + 152) ? 0 : PAGE;
  }

  /** Where the root of a tree begins. */
  root(tree: 'blocks' | 'free'): number {
    return Number(this.bytes.readBigUInt64LE(this.meta + (tree === 'blocks' ? 136 : 88))) * PAGE;
  }

  /** Where the entry of a page is. */
  node(page: number, position: number): number {
    return page + 24 + this.bytes.readUInt16LE(page + 24 + 2 * position);
  }

  /** Where the child of a branch page begins. */
  child(page: number, position: number): number {
    return this.bytes.readUInt32LE(this.node(page, position)) * PAGE;
  }

  /** The last leaf of the blocks: the first of its entries has its value in place, the last has pages of its own. */
  get leaf(): number {
    const root = this.root('blocks');
    return this.child(root, this.bytes.readUInt16LE(root + 20) / 2 - 1);
  }

  /** The entry of a large value. */
  get reference(): number {
    return this.node(this.leaf, this.bytes.readUInt16LE(this.leaf + 20) / 2 - 1);
  }

  get largeValue(): number {
    return Number(this.bytes.readBigUInt64LE(this.reference + 16)) * PAGE;
  }
}

/** Damage, and what the refusal says of it. */
const damages: readonly [what: string, inflict: (file: DataFile) => void, found: RegExp][] = [
  ['no magic', ({ bytes }) => bytes.writeUInt32LE(1, PAGE + 24), /page 1: it is no meta page/],
  ['another format', ({ bytes }) => bytes.writeUInt32LE(1, 28), /page 0: it is of another format/],
  ['an odd page size', ({ bytes }) => bytes.writeUInt32LE(4095, 48), /page 0: its page size/],
  ['another page size', ({ bytes }) => bytes.writeUInt32LE(512, PAGE + 48), /page 1: it does not go with/],
  ['a tree of duplicates', ({ bytes, meta }) => bytes.writeUInt16LE(4, meta + 100), /its trees are of another kind/],
  [
    'a meta page of a transaction that is no neighbour',
    ({ bytes, meta }) => bytes.writeUInt8(bytes.readUInt8(meta + 152) ^ 4, meta + 152),
    /does not go with the other/,
  ],
  [
    'an old meta page that looks newer',
    ({ bytes, meta }) => bytes.writeUInt8(bytes.readUInt8(meta + 152) + 1, PAGE - meta + 152),
    /did not write its blocks/,
  ],
  ['a root outside', ({ bytes, meta }) => bytes.writeUInt32LE(99_999, meta + 136), /did not write its blocks/],
  [
    'another root outside',
    ({ bytes, meta }) => bytes.writeUInt32LE(99_999, meta + 88),
    /page 99999: it is in use and not in the file/,
  ],
  [
    'the root of the other tree',
    (file) => file.bytes.writeUInt32LE(file.root('free') / PAGE, file.meta + 136),
    /in use twice/,
  ],
  ['another number of levels', ({ bytes, meta }) => bytes.writeUInt16LE(3, meta + 102), /another page stands there/],
  [
    'another number of entries',
    ({ bytes, meta }) => bytes.writeUInt8(bytes.readUInt8(meta + 128) ^ 1, meta + 128),
    /other entries than its meta/,
  ],
  ['another page number', (file) => file.bytes.writeUInt8(0, file.leaf), /another page stands there/],
  [
    'a leaf that says it is a branch',
    (file) => file.bytes.writeUInt16LE(KIND.branch, file.leaf + 18),
    /another page stands there/,
  ],
  [
    'a page of a later transaction',
    (file) => file.bytes.writeUInt8(1, file.leaf + 14),
    /its transaction is yet to come/,
  ],
  ['too many entries', (file) => file.bytes.writeUInt16LE(4000, file.leaf + 20), /its bounds are impossible/],
  ['no entries', (file) => file.bytes.writeUInt16LE(0, file.leaf + 20), /its bounds are impossible/],
  ['an entry outside its page', (file) => file.bytes.writeUInt16LE(4090, file.leaf + 24), /an entry lies outside/],
  ['an entry in front of its place', (file) => file.bytes.writeUInt16LE(2, file.leaf + 24), /an entry lies outside/],
  [
    'two entries in one place',
    (file) => file.bytes.copy(file.bytes, file.leaf + 24, file.leaf + 26, file.leaf + 28),
    /entries overlap|out of order/,
  ],
  [
    'a value that reaches outside',
    (file) => file.bytes.writeUInt16LE(60_000, file.node(file.leaf, 0)),
    /an entry reaches outside/,
  ],
  [
    'an entry of another kind',
    (file) => file.bytes.writeUInt16LE(2, file.node(file.leaf, 0) + 4),
    /an entry is of another kind/,
  ],
  [
    'a key of another length',
    (file) => file.bytes.writeUInt16LE(6, file.node(file.leaf, 0) + 6),
    /key has another length|entries overlap/,
  ],
  ['a key out of order', (file) => file.bytes.writeUInt8(1, file.node(file.leaf, 0) + 8 + 3), /keys are out of order/],
  [
    'a key that its parent does not promise',
    (file) => file.bytes.writeUInt8(1, file.node(file.root('blocks'), 1) + 8 + 3),
    /out of order/,
  ],
  [
    'a child outside',
    (file) => file.bytes.writeUInt16LE(1, file.node(file.root('blocks'), 1) + 4),
    /in use and not in the file/,
  ],
  [
    'one child twice',
    (file) =>
      file.bytes.copy(
        file.bytes,
        file.node(file.root('blocks'), 1),
        file.node(file.root('blocks'), 0),
        file.node(file.root('blocks'), 0) + 4,
      ),
    /in use twice/,
  ],
  [
    'a large value that begins elsewhere',
    (file) => file.bytes.writeUInt8(0, file.largeValue),
    /another page stands there/,
  ],
  ['a large value of another size', (file) => file.bytes.writeUInt8(99, file.largeValue + 20), /another size/],
  ['a reference to other pages', (file) => file.bytes.writeUInt8(99, file.reference + 32), /another size/],
  ['a reference of another length', (file) => file.bytes.writeUInt16LE(1, file.reference), /another size/],
  [
    'a free page that is in use',
    (file) => file.bytes.writeUInt32LE(file.leaf / PAGE, freeRecord(file) + 8),
    /free and taken/,
  ],
  ['a free page outside', (file) => file.bytes.writeUInt32LE(99_999, freeRecord(file) + 8), /free and not in the file/],
  ['a free meta page', (file) => file.bytes.writeUInt32LE(1, freeRecord(file) + 8), /free and not in the file/],
  ['too long a list of free pages', (file) => file.bytes.writeUInt32LE(9999, freeRecord(file)), /too short/],
];

/** Where the first record of free pages begins. */
function freeRecord(file: DataFile): number {
  return file.node(file.root('free'), 0) + 16;
}

/** A file with two levels, values of both kinds, and free pages. */
async function makeDataFile(directory: string): Promise<DataFile> {
  const { blocks } = await openBlocks(directory, true, { pageSize: PAGE });
  await blocks.commit(put(1, 1, [...new Array(60).fill(300), 20_000, 30_000]));
  await blocks.commit({ ...put(2, 63, [500, 600, 40_000]), removeThrough: 10 });
  await blocks.close();
  const path = join(directory, 'data.mdb');
  return new DataFile(await readFile(path), path);
}

describe('the check of a data file', () => {
  test.each(damages)('refuses %s, and changes nothing', (_what, inflict, found) =>
    inTemporaryDirectory(async (directory) => {
      const file = await makeDataFile(directory);
      await checkDataFile(nodeFileIo, file.path);
      expect((await readFile(file.path)).equals(file.bytes)).toBe(true);
      inflict(file);
      await writeFile(file.path, file.bytes);
      const refusal: unknown = await checkDataFile(nodeFileIo, file.path).catch((error: unknown) => error);
      expect(isStorageError(refusal, 'CORRUPTION') && refusal.message).toMatch(found);
      expect((await readFile(file.path)).equals(file.bytes)).toBe(true);
    }),
  );

  test('refuses a file that was cut short wherever something was in use, and only there', () =>
    inTemporaryDirectory(async (directory) => {
      const { bytes, path } = await makeDataFile(directory);
      let isInUse = false;
      for (let length = bytes.byteLength - 1; length > 0; length -= 1021) {
        await truncate(path, length);
        const refusal: unknown = await checkDataFile(nodeFileIo, path).catch((error: unknown) => error);
        isInUse ||= refusal !== undefined;
        expect(isStorageError(refusal, 'CORRUPTION'), `cut to ${length}`).toBe(isInUse);
      }
      expect(isInUse).toBe(true);
    }));

  test('refuses a file that is missing or empty', () =>
    inTemporaryDirectory(async (directory) => {
      const { path } = await makeDataFile(directory);
      await truncate(path, 0);
      await expect(checkDataFile(nodeFileIo, path)).rejects.toMatchObject({ code: 'CORRUPTION' });
      await expect(checkDataFile(nodeFileIo, `${path}.other`)).rejects.toMatchObject({ code: 'CORRUPTION' });
    }));
});
