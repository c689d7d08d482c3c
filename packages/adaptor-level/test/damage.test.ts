import { type ChildProcess, fork } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, isStorageError } from '@raftlog/core';
import { createTestEntries } from '@raftlog/core/conformance';
import { damageFiles } from '@raftlog/crash-lab';
import { describe, expect, test } from 'vitest';
import { type LevelOptions, LevelStorageEngine } from '../src/index.ts';
import { levelBuilder } from './support/level-builder.ts';
import { withDirectory } from './support/level-store.ts';

async function write(directory: string, entries: readonly Entry[], options: Partial<LevelOptions> = {}): Promise<void> {
  const engine = await LevelStorageEngine.open({ directory, ...options });
  for (const entry of entries) await engine.logStore.persistEntries([entry]);
  await engine.close();
}

/** As LevelDB writes what is in its log into a table when it opens. */
async function settle(directory: string): Promise<void> {
  await (await LevelStorageEngine.open({ directory })).close();
}

async function newest(directory: string, suffix: '.log' | '.ldb'): Promise<string> {
  const names = (await readdir(join(directory, 'blocks'))).filter((name) => name.endsWith(suffix)).sort();
  return join(directory, 'blocks', names.at(-1) ?? '');
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  await writeFile(path, bytes);
}

async function contents(directory: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path, (await readFile(path)).toString('base64'));
  }
  return files;
}

async function expectRefused(directory: string, options: Partial<LevelOptions> = {}): Promise<void> {
  const before = await contents(directory);
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await LevelStorageEngine.open({ directory, ...options }).then(
      async (engine) => engine.close(),
      (reason: unknown) => reason,
    );
    if (!isStorageError(error, 'CORRUPTION')) throw new Error('expected CORRUPTION', { cause: error });
    expect(await contents(directory), 'nothing is changed').toEqual(before);
  }
}

describe('the log of LevelDB', () => {
  test('a damaged end that was witnessed is refused, and left as it is', async () => {
    await withDirectory(async (directory) => {
      await write(directory, createTestEntries(1, 10, 1));
      const log = await newest(directory, '.log');
      await flip(log, (await readFile(log)).byteLength - 20);
      await expectRefused(directory);
    });
  });

  test('an end that was cut off after it was witnessed is refused, and left as it is', async () => {
    await withDirectory(async (directory) => {
      await write(directory, createTestEntries(1, 10, 1));
      const log = await newest(directory, '.log');
      await truncate(log, (await readFile(log)).byteLength - 600);
      await expectRefused(directory);
    });
  });

  test('damage in the middle is refused, witnessed or not', async () => {
    await withDirectory(async (directory) => {
      await write(directory, createTestEntries(1, 10, 1));
      await rm(join(directory, 'witness'));
      await flip(await newest(directory, '.log'), 300);
      await expectRefused(directory);
      await expectRefused(directory, { onCorruption: 'salvage' });
    });
  });

  test('a torn end that nobody has vouched for is dropped whole, and counted', async () => {
    await withDirectory(async (root) => {
      const [directory, copy] = [join(root, 'store'), join(root, 'copy')];
      const entries = createTestEntries(1, 6, 1, { bytes: 500 });
      await write(directory, entries.slice(0, 3));
      const engine = await LevelStorageEngine.open({ directory });
      await engine.logStore.persistEntries(entries.slice(3, 4));
      await engine.logStore.persistEntries(entries.slice(4));
      // As a power cut leaves it, before the witness has seen either.
      await cp(directory, copy, { recursive: true });
      await engine.close();
      const log = await newest(copy, '.log');
      await truncate(log, (await readFile(log)).byteLength - 10);
      const reopened = await LevelStorageEngine.open({ directory: copy });
      expect(reopened.logStore.lastIndex).toBe(4);
      expect(await reopened.logStore.getEntries(1, 4)).toEqual(entries.slice(0, 4));
      expect(reopened.stats().recovery.discarded).toBeGreaterThan(500);
      await reopened.close();
    });
  });
});

describe('tables', () => {
  const entries = createTestEntries(1, 60, 1, { bytes: 3000 });

  /** One entry's data, somewhere in the table. */
  async function damageEntry(directory: string, index: number): Promise<void> {
    const table = await newest(directory, '.ldb');
    const at = (await readFile(table)).indexOf(entries[index - 1]?.data ?? '');
    expect(at).toBeGreaterThan(0);
    await flip(table, at + 1000);
  }

  test('a damaged block is CORRUPTION where it is read, is salvaged and repaired', async () => {
    await withDirectory(async (directory) => {
      await write(directory, entries);
      await settle(directory);
      await damageEntry(directory, 20);
      // Without a cache, which reads the end of the log ahead.
      let engine = await LevelStorageEngine.open({ directory, cacheBytes: 0 });
      await expect(engine.logStore.entry(20)).rejects.toMatchObject({ code: 'CORRUPTION' });
      expect(await engine.logStore.getEntries(21, 60)).toEqual(entries.slice(20));
      await engine.close();

      engine = await LevelStorageEngine.open({ directory, onCorruption: 'salvage' });
      expect(engine.logStore.damagedRanges).toEqual([{ first: 20, last: 20 }]);
      await engine.logStore.repair?.(entries.slice(19, 20));
      await engine.close();

      engine = await LevelStorageEngine.open({ directory });
      expect(await engine.logStore.getEntries(1, 60)).toEqual(entries);
      await engine.close();
    });
  });

  test('one that was cut, or is missing, is refused or unreadable', async () => {
    await withDirectory(async (root) => {
      const directory = join(root, 'store');
      await write(directory, entries);
      await settle(directory);
      const table = await newest(directory, '.ldb');
      const bytes = await readFile(table);
      for (const size of [undefined, 0, 10, 5000, bytes.byteLength - 60, bytes.byteLength - 1]) {
        if (size === undefined) await rm(table);
        else await writeFile(table, bytes.subarray(0, size));
        await expect(LevelStorageEngine.open({ directory }), `${size}`).rejects.toMatchObject({ code: 'CORRUPTION' });
        await expect(LevelStorageEngine.open({ directory, onCorruption: 'salvage' })).rejects.toMatchObject({
          code: 'CORRUPTION',
        });
      }
    });
  });
});

describe('a database that is not there', () => {
  test.each(['CURRENT', '*'])('%s gone: CORRUPTION, and no new one is made', async (gone) => {
    await withDirectory(async (directory) => {
      await write(directory, createTestEntries(1, 3, 1));
      if (gone === '*') {
        await rm(join(directory, 'blocks'), { recursive: true });
        await mkdir(join(directory, 'blocks'));
      } else {
        await rm(join(directory, 'blocks', gone));
      }
      await expectRefused(directory);
    });
  });
});

test('whatever byte of its files is flipped, and wherever they are cut: nothing is lost, altered or returned in silence', async () => {
  const { damages, ...report } = await damageFiles(() => levelBuilder(), {
    flips: 120,
    cuts: 40,
    seed: 1,
    files: /^blocks/,
  });
  const bad = damages.filter(({ outcome }) => !['intact', 'refused', 'unreadable'].includes(outcome));
  expect(bad).toEqual([]);
  expect(report).toMatchObject({ lost: 0, returned: 0, altered: 0, crashed: 0, killed: {} });
  expect(Object.keys({ ...report.refused, ...report.unreadable })).toEqual(['CORRUPTION']);
}, 120_000);

/**
 * What is left, as the README says: LevelDB doesn't check its tables when it reads them, unless it is asked to, which the driver can't. A byte that says where a key
 * ends, or which key is deleted, is believed.
 */
test('known limit: a damaged deletion in a table may end the process, or bring back what was truncated', async () => {
  await withDirectory(async (root) => {
    const directory = join(root, 'store');
    const kept = createTestEntries(1, 10, 1, { bytes: 20 });
    await write(directory, kept);
    const engine = await LevelStorageEngine.open({ directory });
    await engine.logStore.truncate(6);
    await engine.logStore.persistEntries(createTestEntries(6, 15, 2, { bytes: 20 }));
    await engine.close();
    await settle(directory);

    const table = await newest(directory, '.ldb');
    const bytes = await readFile(table);
    const terms = [...Array<number>(5).fill(1), ...Array<number>(10).fill(2)];
    const reader = new DamagedReader();
    const verdicts: Record<string, number> = {};
    for (let at = 0; at < 200; at++) {
      const copy = join(root, 'copy');
      await cp(directory, copy, { recursive: true });
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      await writeFile(table.replace(directory, copy), damaged);
      const verdict = await reader.read({ directory: copy, last: 15, terms });
      verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
      await rm(copy, { recursive: true });
    }
    reader.stop();
    expect(Object.keys(verdicts).sort()).toEqual([
      'killed SIGABRT',
      'refused CORRUPTION',
      'returned',
      'same',
      'unreadable CORRUPTION',
    ]);
  });
}, 120_000);

/** A child process that reads damaged stores; a new one where LevelDB has ended it. */
class DamagedReader {
  #child: ChildProcess | undefined;

  read(task: { directory: string; last: number; terms: readonly number[] }): Promise<string> {
    const child = this.#child ?? fork(new URL('./support/read-damaged.mjs', import.meta.url), { stdio: 'ignore' });
    this.#child = child;
    return new Promise((resolve) => {
      const settled = (verdict: string): void => {
        child.removeAllListeners();
        resolve(verdict);
      };
      child.once('message', (verdict) => settled(String(verdict)));
      child.once('exit', (_code, signal) => {
        this.#child = undefined;
        settled(`killed ${signal}`);
      });
      child.send(task);
    });
  }

  stop(): void {
    this.#child?.kill();
  }
}
