import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { damageFiles } from '@raftlog/crash-lab';
import { describe, expect, test } from 'vitest';
import { type Entry, LmdbStorageEngine } from '../src/index.ts';
import { runChild } from './support/child.ts';
import { lmdbBuilder } from './support/lmdb-builder.ts';
import { inTemporaryDirectory } from './support/test-store.ts';

const entries: Entry[] = Array.from({ length: 12 }, (_, i) => ({
  index: i + 1,
  term: 1,
  kind: 'command',
  data: Buffer.alloc(5000, i + 1),
}));

/** A log of 12 commits. */
async function writeLog(directory: string): Promise<string> {
  const engine = await LmdbStorageEngine.open({ directory });
  for (const entry of entries) await engine.logStore.persistEntries([entry]);
  await engine.close();
  return join(directory, 'blocks', 'data.mdb');
}

describe('a damaged database', () => {
  test('is refused or rejects what is damaged, wherever a byte is flipped or the file ends', {
    timeout: 300_000,
  }, async () => {
    const options = { flips: 300, cuts: 60, seed: 1, files: /^blocks/ };
    const { damages, ...counts } = await damageFiles(() => lmdbBuilder(), options);
    const { intact, refused, unreadable, ...others } = counts;
    const details = damages.filter(({ outcome }) => !['intact', 'refused', 'unreadable'].includes(outcome));
    expect(others, JSON.stringify(details)).toEqual({ lost: 0, returned: 0, altered: 0, crashed: 0, killed: {} });
    expect(Object.keys({ ...refused, ...unreadable })).toEqual(['CORRUPTION']);
    // Free pages, and what lies unused in others.
    expect(intact).toBeLessThan(damages.length / 2);
  });

  test('gets no new file in place of a missing one', () =>
    inTemporaryDirectory(async (directory) => {
      const path = await writeLog(directory);
      await rm(path);
      await expect(LmdbStorageEngine.open({ directory })).rejects.toMatchObject({
        code: 'CORRUPTION',
        details: { path },
      });
      await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
    }));

  test('is salvaged where a block is damaged', () =>
    inTemporaryDirectory(async (directory) => {
      const path = await writeLog(directory);
      const bytes = await readFile(path);
      bytes.writeUInt8(0, bytes.indexOf(Buffer.alloc(1000, 5)) + 500);
      await writeFile(path, bytes);
      const damaged = await LmdbStorageEngine.open({ directory });
      await expect(damaged.logStore.entry(5)).rejects.toMatchObject({ code: 'CORRUPTION' });
      await damaged.close();
      const engine = await LmdbStorageEngine.open({ directory, onCorruption: 'salvage' });
      expect(engine.logStore.damagedRanges).toMatchObject([{ first: 5, last: 5 }]);
      await engine.logStore.repair(entries.slice(4, 5));
      await engine.close();
      const repaired = await LmdbStorageEngine.open({ directory });
      expect((await repaired.logStore.getEntries(1, 12)).map(({ data }) => data[4999])).toEqual(
        entries.map((_, i) => i + 1),
      );
      await repaired.close();
    }));

  test('is not salvaged where it is not known any more which pages are what', () =>
    inTemporaryDirectory(async (directory) => {
      const path = await writeLog(directory);
      const bytes = await readFile(path);
      await writeFile(path, bytes.subarray(0, bytes.byteLength - 4096));
      const opening = LmdbStorageEngine.open({ directory, onCorruption: 'salvage' });
      await expect(opening).rejects.toMatchObject({ code: 'CORRUPTION', details: { path } });
    }));
});

// What is left, as the README says. Should this ever fail, the README can promise more.
describe.skipIf(process.platform !== 'linux')('a file that is damaged while it is open', () => {
  test('ends the process if it is cut short', () =>
    inTemporaryDirectory(async (directory) => {
      await writeLog(directory);
      const { signal, stdout } = runChild('read-cut-file.mjs', [directory]);
      expect({ signal, stdout }).toEqual({ signal: 'SIGBUS', stdout: '' });
    }));

  test('rejects reads of a block that is damaged', () =>
    inTemporaryDirectory(async (directory) => {
      const path = await writeLog(directory);
      const engine = await LmdbStorageEngine.open({ directory, cacheBytes: 0 });
      const bytes = await readFile(path);
      bytes.writeUInt8(0, bytes.indexOf(Buffer.alloc(1000, 5)) + 500);
      await writeFile(path, bytes, { flag: 'r+' });
      await expect(engine.logStore.entry(5)).rejects.toMatchObject({ code: 'CORRUPTION' });
      expect(await engine.logStore.entry(6)).toMatchObject({ index: 6 });
      await engine.close();
    }));
});
