import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { isStorageError, type StorageErrorCode } from '../../errors.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertHardState, assertLog } from '../assertions.ts';
import type { CaseContext, ConformanceCase } from '../case.ts';
import { createTestEntries } from '../entries.ts';
import { defineCases, ifDirectory } from './define-cases.ts';
import { contentsOf, takeImage } from './place-image.ts';

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
      const engine = await openOrRefuse(context, ['FOREIGN_DIRECTORY'], 'a directory with files of somebody else');
      if (engine !== undefined) {
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
    'A5-other-adaptor',
    'a place that another adaptor made is refused, and left as it is: to open it as a new store would forget its vote',
    async (context) => {
      const directory = directoryOf(context);
      await mkdir(join(directory, 'snapshots'), { recursive: true });
      for (const [name, bytes] of Object.entries(otherPlace())) await writeFile(join(directory, name), bytes);
      const engine = await openOrRefuse(context, ['FOREIGN_DIRECTORY'], 'a place of another adaptor');
      assert.ok(engine === undefined, 'the engine opened a place that another adaptor made');
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
      const engine = await openOrRefuse(context, ['FOREIGN_DIRECTORY', 'INVALID_ARGUMENT'], 'a file');
      assert.ok(engine === undefined, 'the engine opened a place that is a file');
      assert.equal(await readFile(directory, 'utf8'), 'a file, not a directory');
    },
    { inapplicable: ifDirectory },
  ),

  define(
    'A5-garbled-file',
    'a small file of its own that turned to garbage is survived, or refused with nothing changed: the store never looks new, or old',
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
          const engine = await openOrRefuse(context, damage, what);
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

const damage: readonly StorageErrorCode[] = ['CORRUPTION', 'FOREIGN_DIRECTORY', 'UNSUPPORTED_FORMAT'];

/** The engine, or `undefined` if the place was refused with one of these codes; it is then as it was, byte for byte. */
async function openOrRefuse(
  context: CaseContext,
  codes: readonly StorageErrorCode[],
  what: string,
): Promise<StorageEngine | undefined> {
  const isDirectory = (await stat(directoryOf(context))).isDirectory();
  const before = isDirectory ? contentsOf(await takeImage(context.builder)) : {};
  try {
    return await context.open();
  } catch (error) {
    assert.ok(isStorageError(error), `${what} was refused, but with no StorageError: ${error}`);
    assert.ok(codes.includes(error.code), `${what} was refused with ${error.code}, not with ${codes.join(' or ')}`);
    const after = isDirectory ? await takeImage(context.builder).then(contentsOf, () => 'it is gone') : before;
    assert.deepEqual(after, before, `${what} was refused, but not left as it was`);
    return undefined;
  }
}

/** What lies in the place of an adaptor made with the kit (docs/file-format.md): its marker, its hard state, its store. */
function otherPlace(): Record<string, Uint8Array> {
  const [adaptor, storeId] = ['@somebody/else', 'd9a4e5b1-4c29-4a53-9d0f-7d3b9d6a1c55'];
  const checksum = crc32(JSON.stringify(['raftlog', 1, adaptor, storeId, null]))
    .toString(16)
    .padStart(8, '0');
  const marker = { format: 'raftlog', version: 1, adaptor, storeId, groupId: null, checksum };
  return {
    'raftlog.json': Buffer.from(`${JSON.stringify(marker)}\n`),
    'hardstate.a': Buffer.alloc(4096, 'not yours: a vote'),
    'hardstate.b': Buffer.alloc(4096, 'not yours: a vote'),
    'data.mdb': Buffer.alloc(8192, 'not yours: a log'),
  };
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
