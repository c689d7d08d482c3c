import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HARD_STATE_FILES } from '../src/directory/hard-state-files.ts';
import { type Block, type Commit, checkWhole, type EngineOptions } from '../src/index.ts';
import { DelayedMapBlocks } from './delayed-map-blocks.ts';
import { codeOf } from './support/error-of.ts';
import { entries, MapPlace } from './support/map-engine.ts';

/** A place whose store writes down what it is asked for. */
function recordingPlace(): { readonly place: MapPlace; readonly calls: string[] } {
  const calls: string[] = [];
  const place: MapPlace = new MapPlace({
    blockStore: () =>
      new (class extends DelayedMapBlocks {
        async settle(): Promise<void> {
          calls.push('settle');
        }
        override commit(commit: Commit): Promise<void> {
          calls.push('commit');
          return super.commit(commit);
        }
      })(place.stored, () => 1),
  });
  return { place, calls };
}

describe('a store is settled', () => {
  test('before its first commit', async () => {
    const { place, calls } = recordingPlace();
    await place.with(async () => {});
    expect(calls).toEqual(['settle', 'commit']);
    await place.with(async () => {});
    expect(calls).toEqual(['settle', 'commit', 'settle']);
  });

  test('never where the engine is refused', async () => {
    const { place, calls } = recordingPlace();
    await place.with(async () => {});
    const files = HARD_STATE_FILES.map((name) => join(place.directory, name));
    const before = files.map((file) => readFileSync(file));
    await place.with(async ({ logStore, metaStore }) => {
      await metaStore.saveHardState({ currentTerm: 1, votedFor: 'a' });
      await logStore.persistEntries(entries(1, 4, 1));
    });
    for (const [at, file] of files.entries()) writeFileSync(file, before[at] ?? '');
    calls.length = 0;
    expect(await codeOf(place.open())).toBe('CORRUPTION');
    expect(calls).toEqual([]);
  });
});

test('an engine opens although the entries before its last one can’t be read ahead', async () => {
  let failing = false;
  const place: MapPlace = new MapPlace({
    blockStore: () =>
      new (class extends DelayedMapBlocks {
        override readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
          if (failing && first > 5 && first < 10) throw new Error('EIO: i/o error, read');
          return super.readBlocks(first, last, maxBytes);
        }
      })(place.stored, () => 1),
  });
  await place.with(async ({ logStore }) => logStore.persistEntries(entries(1, 10, 1)));
  failing = true;
  await place.with(async ({ logStore }) => {
    expect((await logStore.entry(10))?.index).toBe(10);
    expect(await codeOf(logStore.entry(8))).toBe('STORE_FAILED');
  });
});

test('a call that brings more than the store takes in one commit is refused, and the engine goes on', async () => {
  const place = new MapPlace({ maxCommitBytes: 40_024 });
  await place.with(async ({ logStore, failure }) => {
    await logStore.persistEntries(entries(1, 2, 1));
    expect(await codeOf(logStore.persistEntries(entries(3, 5, 1)))).toBe('TOO_LARGE');
    expect(await codeOf(logStore.replaceRange(2, entries(2, 4, 1)))).toBe('TOO_LARGE');
    expect([logStore.lastIndex, failure.aborted]).toEqual([2, false]);
    await logStore.persistEntries(entries(3, 4, 1));
  });
});

test("an adaptor's own options are checked before anything is made", async () => {
  const place = new MapPlace({
    checkOptions: (options: EngineOptions & { readonly pages?: number }) => {
      checkWhole('pages', options.pages ?? 1, 1, 8);
    },
  });
  const bad: Partial<EngineOptions> & { pages: number } = { pages: 9 };
  expect(await codeOf(place.open(bad))).toBe('INVALID_ARGUMENT');
  expect(readdirSync(place.directory)).toEqual([]);
  await place.with(async ({ logStore }) => expect(logStore.lastIndex).toBe(0));
});
