import assert from 'node:assert/strict';
import type { SnapshotInfo, SnapshotStore } from '../../snapshot-store.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import type { CaseContext, ConformanceCase } from '../case.ts';
import type { LossyFileIo } from '../lossy-file-io/lossy-file-io.ts';
import { defineCases } from './define-cases.ts';
import { abandon, simulatedDisk, withoutFileIo } from './power-cut-explorer.ts';
import { contentOf, saveSnapshot, snapshotContent } from './snapshot-content.ts';

const snapshots = defineCases('snapshots');

/** What a crash may find: the snapshots that were saved for sure, those that may be there, and those that may not. */
interface Expected {
  readonly certain: ReadonlySet<number>;
  readonly possible: ReadonlySet<number>;
}

/** Whose a file is: paths by the snapshot that they belong to, `undefined` for what only a save under way needs. */
type Owners = Map<string, number | undefined>;

/** Snapshots on a simulated disk whose power is cut. */
export const snapshotCrashCases: readonly ConformanceCase[] = [
  snapshots(
    'I66-power-cut',
    'wherever the power is cut, a snapshot that was saved is there whole, one that was removed is not, another is there whole or not at all, and no remains of it',
    async (context) => {
      const disk = simulatedDisk(context);
      const certain = new Set<number>();
      const possible = new Set<number>();
      const points: { readonly disk: LossyFileIo; readonly expected: Expected; readonly where: string }[] = [];
      const owners: Owners = new Map();
      let saving = false;
      disk.onCall = ({ number, operation, path }) => {
        if (saving && !owners.has(path)) owners.set(path, undefined);
        points.push({
          disk: disk.clone(),
          expected: { certain: new Set(certain), possible: new Set(possible) },
          where: `before call ${number} (${operation} ${path})`,
        });
      };
      const engine = await context.builder.build({ small: true, fileIo: disk });
      // Calls of the open may go on in the background; from here on nothing but snapshots is written.
      for (const path of disk.files('/')) owners.set(path, 0);
      saving = true;
      await steps(engine, certain, possible, (size) => {
        for (const path of disk.files('/')) if (owners.get(path) === undefined) owners.set(path, size);
      });
      disk.onCall = undefined;
      const kept = await sizesIn(engine.snapshotStore, { certain, possible });
      await engine.close();
      // What a clean end leaves besides is no snapshot's: a file of the engine's own that was made meanwhile.
      for (const path of disk.files('/')) if (!kept.has(owners.get(path) ?? 0)) owners.set(path, 0);
      for (const { disk: before, expected, where } of points) {
        for (const { name, fileIo } of before.powerCutStates({ limit: 4, seed: context.seed }).states) {
          await check(context, fileIo, { ...expected, owners }, `power cut ${where}, ${name}`, true);
        }
        for (const saves of [true, false])
          await check(context, before.clone(), { ...expected, owners }, `process killed ${where}`, saves);
      }
    },
    { inapplicable: withoutFileIo, timeoutMs: 60_000 },
  ),
];

// A snapshot is known by its size here, which is its index too.
async function steps(
  engine: StorageEngine,
  certain: Set<number>,
  possible: Set<number>,
  onSaved: (size: number) => void,
): Promise<void> {
  const store = engine.snapshotStore;
  const save = async (size: number): Promise<SnapshotInfo> => {
    possible.add(size);
    const info = await saveSnapshot(engine, size, size);
    certain.add(size);
    onSaved(size);
    return info;
  };
  const removed = async (sizes: readonly number[], removal: Promise<void>): Promise<void> => {
    for (const size of sizes) certain.delete(size);
    await removal;
    for (const size of sizes) possible.delete(size);
  };
  const first = await save(700);
  await save(70_000);
  await removed([700], store.remove(first.id));
  await save(70_001);
  await save(70_002);
  await removed([70_000, 70_001], store.retain(1));
  await save(70_003);
}

async function check(
  context: CaseContext,
  disk: LossyFileIo,
  expected: Expected & { readonly owners: Owners },
  where: string,
  saves: boolean,
): Promise<void> {
  try {
    const engine = await context.builder.build({ small: true, fileIo: disk });
    let found: Set<number>;
    try {
      found = await sizesIn(engine.snapshotStore, expected);
      await checkNoLitter(disk, expected.owners, found);
      // A save makes durable what else was not: without one it must be so from the open on.
      if (saves) await saveSnapshot(engine, 90_000, 500);
    } catch (error) {
      await abandon(engine);
      throw error;
    }
    const after = disk.powerCut({ mode: 'synced' });
    await abandon(engine);
    const reopened = await context.builder.build({ small: true, fileIo: after });
    try {
      const again = new Set(saves ? [...found, 500] : found);
      await sizesIn(reopened.snapshotStore, { certain: again, possible: again });
    } finally {
      await reopened.close();
    }
  } catch (error) {
    throw new Error(`${where}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Fails if files are left that only a snapshot needed which isn't there. They may go in the background. */
async function checkNoLitter(disk: LossyFileIo, owners: Owners, found: ReadonlySet<number>): Promise<void> {
  const litter = (): string[] =>
    disk.files('/').filter((path) => {
      const owner = owners.has(path) ? owners.get(path) : 0;
      return owner !== 0 && (owner === undefined || !found.has(owner));
    });
  for (let turn = 0; turn < 50 && litter().length > 0; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(litter(), [], 'files that a save or a removal which the crash cut short has left');
}

async function sizesIn(store: SnapshotStore, { certain, possible }: Expected): Promise<Set<number>> {
  const found = new Set<number>();
  for (const { id, size } of await store.list()) {
    assert.ok(possible.has(size), `a snapshot of ${size} bytes that was removed, or never saved, is there`);
    assert.equal(Buffer.compare(await contentOf(store, id), snapshotContent(size)), 0, `content of ${size} bytes`);
    found.add(size);
  }
  for (const size of certain) assert.ok(found.has(size), `the snapshot of ${size} bytes is gone`);
  return found;
}
