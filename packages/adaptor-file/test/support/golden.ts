import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Commit } from '@raftlog/kit';
import { nodeFileIo } from '@raftlog/kit';
import { append, block, headerOf, TestStore } from './store.ts';

/** One log with everything that the format has: several blocks, cuts with a head, a purge, sealed segments, a repair, a large block, an empty one. */
export const goldenCommits: readonly Commit[] = [
  { sequence: 1, put: [], header: headerOf(1) },
  append(2, [3, 7, 12]),
  append(3, [13], 0),
  append(4, [20, 30], 20_000),
  { sequence: 5, removeFrom: 26, put: [block(25, 5), block(40, 5, 1)], header: headerOf(5) },
  append(6, [2 ** 32, 2 ** 32 + 1], 15_000),
  { sequence: 7, removeThrough: 7, put: [], header: headerOf(7) },
  { sequence: 8, put: [block(13, 8, 33)], header: headerOf(8) },
  { sequence: 9, removeFrom: 2 ** 32 + 1, put: [], header: headerOf(9) },
  append(10, [2 ** 53 - 2], 7),
];

/** Writes the log; resolves to its files. Salts are 1, 2, 3, ...; everything else follows from the commits. */
export async function writeGoldenLog(directory: string): Promise<void> {
  let salt = 0;
  const store = await TestStore.open(nodeFileIo, { directory, create: true, nextSalt: () => ++salt });
  for (const commit of goldenCommits) await store.commit(commit);
  // The footers come in the background: when the last one is there, the log is complete.
  const sealed = (await readdir(directory)).length - 1;
  for (let tries = 0; tries < 1000; tries++) {
    const files = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name))));
    if (files.filter((bytes) => bytes.subarray(-80, -76).toString('latin1') === 'rlft').length === sealed) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await store.close();
}

export async function withTemporaryDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'raftlog-golden-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
