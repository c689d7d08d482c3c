import { cp, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFileIo } from '@raftlog/kit';
import { describe, expect, test } from 'vitest';
import { goldenCommits, withTemporaryDirectory, writeGoldenLog } from './support/golden.ts';
import { applyToModel, type Model } from './support/model.ts';
import { sequenceOf, TestStore } from './support/store.ts';

/** As format version 1 wrote it. Never made anew: a change of these bytes is a new format version with golden files of its own. */
const golden = fileURLToPath(new URL('./golden/v1', import.meta.url));

async function files(directory: string): Promise<Map<string, string>> {
  const names = (await readdir(directory)).sort();
  return new Map(
    await Promise.all(
      names.map(
        async (name): Promise<[string, string]> => [name, (await readFile(join(directory, name))).toString('hex')],
      ),
    ),
  );
}

describe('format version 1', () => {
  test('is decoded', () =>
    withTemporaryDirectory(async (directory) => {
      await cp(golden, directory, { recursive: true });
      const store = await TestStore.open(nodeFileIo, { directory });
      const model = goldenCommits.reduce<Model>(applyToModel, new Map());
      expect(await store.all()).toEqual(model);
      expect(sequenceOf(store.opened.header)).toBe(goldenCommits.length);
      expect(store.opened.lastIndex).toBe(2 ** 53 - 2);
      await store.close();
    }));

  test('is written again, byte for byte', () =>
    withTemporaryDirectory(async (directory) => {
      if (process.env.RAFTLOG_WRITE_GOLDEN === '1') {
        await mkdir(golden, { recursive: true });
        await writeGoldenLog(golden);
      }
      await writeGoldenLog(directory);
      expect(await files(directory)).toEqual(await files(golden));
    }));
});
