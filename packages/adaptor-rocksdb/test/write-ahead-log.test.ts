import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom, defaultSeed } from '@raftlog/core/conformance';
import { type Commit, nodeFileIo } from '@raftlog/kit';
import { expect, test } from 'vitest';
import { readNewestLog } from '../src/write-ahead-log.ts';
import { block, blocksIn, headerOf, inTemporaryDirectory } from './support/blocks.ts';

/** Appends of one fragment and of several, a cut, a purge, one past the end, a reset: every kind of record that there is. */
const commits: Commit[] = [
  { sequence: 1, put: [], header: headerOf(1) },
  { sequence: 2, put: [block(5, 2, 300), block(9, 2, 300)], header: headerOf(2) },
  { sequence: 3, put: [block(20, 3, 70_000)], header: headerOf(3) },
  { sequence: 4, removeFrom: 10, put: [block(12, 4)], header: headerOf(4) },
  { sequence: 5, removeThrough: 5, put: [], header: headerOf(5) },
  { sequence: 6, put: [block(30, 6, 32_768 - 100), block(31, 6, 40_000)], header: headerOf(6) },
  { sequence: 7, removeThrough: 50, put: [], header: headerOf(7) },
  { sequence: 8, removeFrom: 1, put: [block(3, 8)], header: headerOf(8) },
  { sequence: 9, put: [block(4, 9, 10)], header: headerOf(9) },
];

test('ends where RocksDB takes it to end, wherever it is cut or damaged', () =>
  inTemporaryDirectory(async (parent) => {
    const [whole, copy] = [join(parent, 'whole'), join(parent, 'copy')];
    await mkdir(whole);
    const store = blocksIn(whole);
    await store.open();
    for (const commit of commits) await store.commit(commit);
    await store.close();
    expect(await readNewestLog(whole, nodeFileIo)).toEqual({ sequence: 9, tornBytes: 0 });

    const name = (await readdir(whole)).find((file) => file.endsWith('.log')) ?? '';
    const log = await readFile(join(whole, name));
    const seed = defaultSeed();
    const random = createRandom(seed);
    for (let round = 0; round < 60; round++) {
      const at = random.integer(0, log.length - 1);
      const damaged = Buffer.from(log);
      damaged[at] = (damaged[at] ?? 0) ^ random.integer(1, 255);
      const bytes = random.pick([damaged, log.subarray(0, at)]);
      await cp(whole, copy, { recursive: true });
      await writeFile(join(copy, name), bytes);
      const { sequence, tornBytes } = await readNewestLog(copy, nodeFileIo);
      const reopened = blocksIn(copy, { create: false });
      const { header, discardedBytes } = await reopened.open();
      await reopened.close();
      const where = `${bytes === damaged ? 'damaged' : 'cut'} at ${at}, RAFTLOG_SEED=${seed}`;
      // Where a commit that cuts is torn behind its redo record, the open does it again.
      const next = commits.find((commit) => commit.sequence === (sequence ?? 0) + 1);
      const redone = next?.removeFrom === undefined ? [] : [`header ${next.sequence}`];
      expect([sequence && `header ${sequence}`, ...redone], where).toContain(header && Buffer.from(header).toString());
      expect(discardedBytes, where).toBe(tornBytes);
      await rm(copy, { recursive: true });
    }
  }));

test('where commits are gone that were known to be durable, it is not opened', () =>
  inTemporaryDirectory(async (directory) => {
    const store = blocksIn(directory);
    await store.open();
    for (const commit of commits) await store.commit(commit);
    await store.close();
    await expect(blocksIn(directory, { create: false, witnessedSequence: 10 }).open()).rejects.toThrow(
      '10 was durable',
    );
    const salvaged = blocksIn(directory, { create: false, witnessedSequence: 10, salvage: true });
    expect((await salvaged.open()).lastIndex).toBe(4);
    await salvaged.close();
    // Nothing is in the newest log now, which says nothing about what is in the tables.
    expect(await readNewestLog(directory, nodeFileIo)).toEqual({ sequence: undefined, tornBytes: 0 });
    const witnessed = blocksIn(directory, { create: false, witnessedSequence: 9 });
    expect((await witnessed.open()).lastIndex).toBe(4);
    await witnessed.close();
  }));
