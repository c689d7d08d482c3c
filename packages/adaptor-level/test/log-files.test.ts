import { copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isStorageError } from '@raftlog/core';
import { createRandom, defaultSeed } from '@raftlog/core/conformance';
import { nodeFileIo, readLogFile } from '@raftlog/kit';
import { ClassicLevel } from 'classic-level';
import { describe, expect, test } from 'vitest';
import { checkLogFiles } from '../src/log-file-check.ts';
import { append, headerOf, TestStore, withDirectory } from './support/level-store.ts';

const WRITE_BUFFER = 4 * 1024 * 1024;

/** A store whose commits are all in its write-ahead log. */
interface Logged {
  readonly directory: string;
  readonly log: string;
  readonly bytes: Buffer;
  /** Where the record of each commit ends; the first is where the first begins. */
  readonly ends: readonly number[];
}

async function withLog(sizes: readonly number[], use: (logged: Logged) => Promise<void>): Promise<void> {
  await withDirectory(async (root) => {
    const directory = join(root, 'original');
    const store = await TestStore.open(directory, { create: true }, { writeBufferSize: WRITE_BUFFER });
    const ends = [0];
    let log = '';
    for (const [i, size] of sizes.entries()) {
      await store.commit(append(i + 1, [i + 1], size));
      log = join(directory, await newest(directory, '.log'));
      ends.push((await readFile(log)).byteLength);
    }
    await store.close();
    await use({ directory, log, bytes: await readFile(log), ends });
  });
}

async function newest(directory: string, suffix: string): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(suffix)).sort();
  return names.at(-1) ?? '';
}

function check(directory: string, witnessed: number): Promise<number> {
  return checkLogFiles(directory, nodeFileIo, witnessed);
}

async function refusal(work: Promise<unknown>): Promise<{ path?: string; offset?: number } | undefined> {
  try {
    await work;
  } catch (error) {
    if (isStorageError(error, 'CORRUPTION')) return error.details;
    throw error;
  }
  return undefined;
}

describe('the write-ahead log', () => {
  // Within a block of the file's format; over the end of one; over several, with a large commit; with every length around a block's end.
  const shapes: readonly (readonly [string, readonly number[]])[] = [
    ['small commits', [10, 200, 0, 90, 40]],
    ['large commits', [30_000, 5000, 100_000, 300, 300_000, 20]],
    ['commits that end near the end of a block', [32_500, 40, 2, 1, 3, 32_300, 100]],
  ];

  test.each(shapes)('%s: every record is found', async (_, sizes) => {
    await withLog(sizes, async ({ directory, log }) => {
      const sequences: number[] = [];
      const end = await readLogFile(log, nodeFileIo, ({ tail }) => sequences.push(Number(tail.readBigUInt64LE())));
      expect(sequences).toEqual(sizes.map((_, i) => i + 1));
      expect(end).toEqual({ intactBytes: end.size, size: end.size, damaged: false });
      expect(await check(directory, sizes.length)).toBe(0);
    });
  });

  test.each(shapes)('%s: cut anywhere, it ends with the last whole commit', async (_, sizes) => {
    await withLog(sizes, async ({ directory, log, bytes, ends }) => {
      for (const cut of offsetsIn(bytes.byteLength, ends)) {
        await writeFile(log, bytes.subarray(0, cut));
        const whole = ends.findLastIndex((end) => end <= cut);
        // Where a block has no room for one more header, the bytes that are left belong to nobody.
        const between = cut - (ends[whole] ?? 0);
        expect([between, 0], `cut at ${cut}`).toContain(await check(directory, 0));
        const witnessed = await refusal(check(directory, sizes.length));
        expect(witnessed !== undefined, `cut at ${cut}`).toBe(whole > 0 && whole < sizes.length);
      }
    });
  });

  test.each(shapes)('%s: a flipped byte is told from a torn end', async (_, sizes) => {
    await withLog(sizes, async ({ directory, log, bytes, ends }) => {
      const [firstEnd = 0, lastCommit = 0] = [ends[1], ends.at(-2)];
      const unfounded = unfoundedBytes(bytes);
      for (const at of offsetsIn(bytes.byteLength - 1, ends)) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 0x10;
        await writeFile(log, flipped);
        const details = await refusal(check(directory, 0));
        if (details !== undefined) {
          expect(at, 'a last commit that is damaged may have been torn').toBeLessThan(lastCommit);
          expect(details).toMatchObject({ path: log });
          expect(details.offset, `byte ${at}`).toBeLessThanOrEqual(at);
        } else if (!unfounded.filler.has(at)) {
          // With its length wrong, what follows a fragment in its block isn't found.
          expect(at >= lastCommit || unfounded.lengths.has(at), `byte ${at}`).toBe(true);
          if (at >= firstEnd) expect(await refusal(check(directory, sizes.length)), `byte ${at}`).toBeDefined();
        }
      }
    });
  });

  test('a torn commit of many fragments, of which later ones reached the disk, is no damage', async () => {
    await withLog([100, 300_000], async ({ directory, log, bytes, ends }) => {
      const torn = Buffer.from(bytes);
      torn.fill(0, ends[1], 65_536);
      await writeFile(log, torn);
      expect(await check(directory, 1)).toBe(bytes.byteLength - (ends[1] ?? 0));
    });
  });

  test('a length that points past the end of the file costs no memory', async () => {
    await withLog([100, 100], async ({ directory, log, bytes, ends }) => {
      const wrong = Buffer.from(bytes);
      wrong.writeUInt16LE(0xffff, (ends[1] ?? 0) + 4);
      await writeFile(log, wrong);
      expect(await check(directory, 1)).toBe(bytes.byteLength - (ends[1] ?? 0));
    });
  });
});

/** Every byte of small files; of large ones those around the ends of commits and blocks, and some in between. */
function offsetsIn(size: number, ends: readonly number[]): number[] {
  if (size < 4000) return Array.from({ length: size + 1 }, (_, at) => at);
  const random = createRandom(defaultSeed());
  const offsets = new Set<number>(Array.from({ length: 100 }, () => random.integer(0, size)));
  const blocks = Array.from({ length: Math.floor(size / 32_768) }, (_, i) => (i + 1) * 32_768);
  for (const edge of [...ends, ...blocks]) for (let at = edge - 9; at <= edge + 9; at++) offsets.add(at);
  return [...offsets].filter((at) => at >= 0 && at <= size).sort((a, b) => a - b);
}

/** Bytes that no checksum covers, in a log that is intact: the lengths of fragments, and what is left at the end of a block. */
function unfoundedBytes(bytes: Buffer): { readonly lengths: Set<number>; readonly filler: Set<number> } {
  const found = { lengths: new Set<number>(), filler: new Set<number>() };
  for (let at = 0; at < bytes.byteLength; ) {
    const left = 32_768 - (at % 32_768);
    if (left < 7) {
      for (let i = 0; i < left; i++) found.filler.add(at++);
    } else {
      found.lengths.add(at + 4).add(at + 5);
      at += 7 + bytes.readUInt16LE(at + 4);
    }
  }
  return found;
}

describe('several logs', () => {
  /** A store of which LevelDB was killed while it had two logs: what comes out if its own file after a rotation is put aside and back. */
  async function withTwoLogs(use: (directory: string, logs: [string, string]) => Promise<void>): Promise<void> {
    await withDirectory(async (root) => {
      const directory = join(root, 'store');
      const other = join(root, 'other');
      await mkdir(other);
      // Both have log 3 as their first. In the second the same commits are followed by others, in a file of their own.
      await fill(directory, 1, 3);
      await fill(other, 4, 3);
      const logs: [string, string] = [join(directory, '000003.log'), join(directory, '000004.log')];
      await copyFile(join(other, '000003.log'), logs[1]);
      await use(directory, logs);
    });
  }

  async function fill(directory: string, first: number, count: number): Promise<void> {
    const store = await TestStore.open(directory, { create: true });
    for (let i = 0; i < count; i++) await store.commit(append(first + i, [first + i]));
    await store.close();
  }

  test('go on where the one before ends', async () => {
    await withTwoLogs(async (directory) => {
      expect(await check(directory, 6)).toBe(0);
      expect(await refusal(check(directory, 7))).toBeDefined();
    });
  });

  test.each([
    ['the first ends early', async ([first]: [string, string]) => truncate(first, (await readFile(first)).length - 1)],
    ['the first holds no commit', async ([first]: [string, string]) => truncate(first, 5)],
    ['the first is missing', async ([first]: [string, string]) => rm(first)],
    ['a third skips commits', async ([first]: [string, string]) => copyFile(first, first.replace('3.log', '5.log'))],
  ])('%s: refused', async (_, damage) => {
    await withTwoLogs(async (directory, logs) => {
      await damage(logs);
      expect(await refusal(check(directory, 0))).toBeDefined();
    });
  });

  test('an empty one before the first commit is what a compaction leaves', async () => {
    await withTwoLogs(async (directory, [first, second]) => {
      await copyFile(second, join(directory, '000007.log'));
      await truncate(first, 0);
      await truncate(second, 0);
      expect(await check(directory, 6)).toBe(0);
    });
  });
});

describe('the manifest', () => {
  test('names the oldest log that counts, after whatever has happened', async () => {
    await withDirectory(async (directory) => {
      let store = await TestStore.open(directory, { create: true });
      for (let sequence = 1; sequence <= 400; sequence++) {
        await store.commit(append(sequence, [sequence], 2000));
        if (sequence % 100 === 0) {
          const removeThrough = sequence - 50;
          await store.commit({ sequence: sequence + 1, removeThrough, put: [], header: headerOf(sequence + 1) });
          await store.close();
          expect(await check(directory, sequence++)).toBe(0);
          store = await TestStore.open(directory);
        }
      }
      await store.close();
      expect(await check(directory, 0)).toBe(0);
    });
  });

  test('cut or flipped anywhere is refused, or is as good as it was', async () => {
    await withDirectory(async (directory) => {
      const store = await TestStore.open(directory, { create: true });
      for (let sequence = 1; sequence <= 120; sequence++) await store.commit(append(sequence, [sequence], 2000));
      await store.close();
      const manifest = join(directory, await newestManifest(directory));
      const bytes = await readFile(manifest);
      const verdicts = { refused: 0, same: 0 };
      for (let at = 0; at < bytes.byteLength; at++) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 0xff;
        for (const content of [flipped, bytes.subarray(0, at)]) {
          await writeFile(manifest, content);
          verdicts[(await refusal(check(directory, 120))) === undefined ? 'same' : 'refused']++;
        }
      }
      expect(verdicts).toEqual({ refused: 2 * bytes.byteLength, same: 0 });
    });
  });

  test('missing, or not named: refused', async () => {
    await withLog([10], async ({ directory }) => {
      const current = join(directory, 'CURRENT');
      for (const content of ['', 'MANIFEST-000002', '../other\n', 'MANIFEST-999999\n']) {
        await writeFile(current, content);
        const details = await refusal(check(directory, 0));
        if (content !== 'MANIFEST-000002') expect(details, content).toMatchObject({ path: current });
      }
      await rm(current);
      expect(await refusal(check(directory, 0))).toMatchObject({ path: current });
    });
  });

  async function newestManifest(directory: string): Promise<string> {
    return (
      (await readdir(directory))
        .filter((name) => name.startsWith('MANIFEST'))
        .sort()
        .at(-1) ?? ''
    );
  }
});

describe('LevelDB by itself, which is why the check is there', () => {
  async function keysLeft(directory: string): Promise<number[]> {
    const database = new ClassicLevel<Uint8Array, Uint8Array>(directory, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    await database.open();
    const keys = await database.keys().all();
    await database.close();
    return keys.filter((key) => key.byteLength === 8).map((key) => Number(Buffer.from(key).readBigUInt64BE()));
  }

  test('drops the damaged end of its log in silence', async () => {
    await withLog([100, 100, 100], async ({ directory, log, bytes, ends }) => {
      bytes[(ends[2] ?? 0) + 20] = 0xff;
      await writeFile(log, bytes);
      expect(await keysLeft(directory)).toEqual([1, 2]);
    });
  });

  test('drops commits in the middle and keeps later ones', async () => {
    await withLog([100, 20_000, 100, 40_000, 100], async ({ directory, log, bytes }) => {
      bytes[50] = 0xff;
      await writeFile(log, bytes);
      expect(await keysLeft(directory)).toEqual([5]);
    });
  });
});
