import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isStorageError } from '../../errors.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertHardState, assertLog } from '../assertions.ts';
import type { CaseContext, ConformanceCase } from '../case.ts';
import { createTestEntries } from '../entries.ts';
import { defineCases, ifDirectory } from './define-cases.ts';

const define = defineCases('lifecycle');

/** A 5 and 6: what lies at the place that the engine did not put there, or no longer knows. */
export const foreignFileCases: readonly ConformanceCase[] = [
  define(
    'A5-foreign-files',
    'files of somebody else are refused or ignored, and never changed',
    async (context) => {
      const directory = directoryOf(context);
      const foreign: Record<string, Buffer> = {};
      for (const name of [
        'notes.txt',
        'CURRENT',
        'MANIFEST-000001',
        'data.mdb',
        'raft.db',
        'wal/0000000000000000.wal',
      ]) {
        foreign[name] = Buffer.from(`not yours: ${name}`);
        await mkdir(dirname(join(directory, name)), { recursive: true });
        await writeFile(join(directory, name), foreign[name]);
      }
      const before = await listing(directory);
      const engine = await openOrRefuse(context);
      if (engine === undefined) {
        assert.deepEqual(await listing(directory), before, 'a place that was refused is left as it was');
      } else {
        await engine.logStore.persistEntries(createTestEntries(1, 50, 1, { bytes: 500 }));
        await engine.logStore.purge({ index: 40, term: 1 });
        await context.andAfterReopen(engine, (opened) =>
          assertLog(opened, createTestEntries(41, 50, 1, { bytes: 500 }), { index: 40, term: 1 }),
        );
        const last = await context.open();
        await last.logStore.reset();
        await last.close();
      }
      for (const [name, bytes] of Object.entries(foreign)) {
        assert.deepEqual(await readFile(join(directory, name)), bytes, `the foreign file ${name}`);
      }
    },
    { inapplicable: ifDirectory },
  ),

  define(
    'A5-path-is-a-file',
    'a file where the directory should be is refused with a StorageError, and not changed',
    async (context) => {
      const directory = directoryOf(context);
      await rm(directory, { recursive: true, force: true });
      await mkdir(dirname(directory), { recursive: true });
      await writeFile(directory, 'a file, not a directory');
      context.onEnd(() => rm(directory, { recursive: true, force: true }));
      const engine = await openOrRefuse(context);
      assert.equal(engine, undefined, 'the engine opened a place that is a file');
      assert.equal(await readFile(directory, 'utf8'), 'a file, not a directory');
    },
    { inapplicable: ifDirectory },
  ),

  define(
    'A5-garbled-file',
    'a small file of its own that turned to garbage is survived or refused: the store never looks new, or old',
    async (context) => {
      const entries = createTestEntries(1, 20, 3);
      const hardState = { currentTerm: 3, votedFor: 'node-3' };
      const first = await context.open();
      await first.metaStore.saveHardState({ currentTerm: 2, votedFor: 'node-2' });
      await first.logStore.persistEntries(entries);
      await first.metaStore.saveHardState(hardState);
      await first.close();
      const directory = directoryOf(context);
      const copy = await mkdtemp(join(tmpdir(), 'raftlog-conformance-'));
      context.onEnd(() => rm(copy, { recursive: true, force: true }));
      await cp(directory, copy, { recursive: true });

      for (const name of await smallFiles(context, copy)) {
        const { length } = await readFile(join(copy, name));
        for (const garbage of [Buffer.alloc(length, 0x5a), Buffer.alloc(0), Buffer.from('{"format":999999}')]) {
          await rm(directory, { recursive: true, force: true });
          await cp(copy, directory, { recursive: true });
          await writeFile(join(directory, name), garbage);
          const what = `${name} replaced by ${garbage.length} bytes of garbage`;
          const engine = await openOrRefuse(context, what);
          if (engine === undefined) continue;
          try {
            await assertLog(engine, entries);
            await assertHardState(engine, hardState);
          } catch (error) {
            throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
          }
          await engine.close();
        }
      }
    },
    { inapplicable: ifDirectory },
  ),

  define(
    'A6-empty-directory',
    'a directory that was made and left empty is a new store',
    async (context) => {
      await mkdir(directoryOf(context), { recursive: true });
      const engine = await context.open();
      await assertLog(engine, []);
      await engine.logStore.persistEntries(createTestEntries(1, 3, 1));
      await context.andAfterReopen(engine, (opened) => assertLog(opened, createTestEntries(1, 3, 1)));
    },
    { inapplicable: ifDirectory },
  ),
];

function directoryOf(context: CaseContext): string {
  const { directory } = context.builder;
  if (directory === undefined) throw new Error('The case applies only where the builder names a directory.');
  return directory;
}

/** The engine, or `undefined` if the place was refused with a `StorageError`. */
async function openOrRefuse(context: CaseContext, what = 'the place'): Promise<StorageEngine | undefined> {
  try {
    return await context.open();
  } catch (error) {
    assert.ok(isStorageError(error), `${what} was refused, but with no StorageError: ${error}`);
    return undefined;
  }
}

/** Files right below the directory that hold no entries: markers, locks, small tables. */
async function smallFiles(context: CaseContext, directory: string): Promise<string[]> {
  const logs = (await context.builder.files?.log?.()) ?? [];
  const names: string[] = [];
  for (const name of await readdir(directory)) {
    const info = await stat(join(directory, name));
    const holdsEntries = logs.some((path) => path.endsWith(name));
    if (info.isFile() && info.size > 0 && info.size <= 4096 && !holdsEntries) names.push(name);
  }
  return names;
}

async function listing(directory: string): Promise<string[]> {
  return (await readdir(directory, { recursive: true })).sort();
}
