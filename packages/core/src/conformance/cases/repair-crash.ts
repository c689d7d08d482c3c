import type { Entry, IndexRange } from '../../entry.ts';
import { isStorageError } from '../../errors.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertLog, assertSameEntry } from '../assertions.ts';
import type { BuildOptions } from '../builder.ts';
import type { CaseContext } from '../case.ts';
import type { LossyFileIo } from '../lossy-file-io/lossy-file-io.ts';
import type { PlacedImage } from './place-image.ts';

/** Salvages and repairs a damaged log on a simulated disk, and cuts the power at every call of that and of the close after it. */
export async function repairCrash(
  context: CaseContext,
  { disk, open }: PlacedImage,
  entries: readonly Entry[],
  lost: IndexRange,
): Promise<void> {
  if (disk === undefined) throw new Error('The place is not on a simulated disk.');
  const points: { readonly disk: LossyFileIo; readonly repaired: boolean; readonly where: string }[] = [];
  let repaired = false;
  disk.onCall = ({ number, operation, path }) => {
    points.push({ disk: disk.clone(), repaired, where: `before call ${number} (${operation} ${path})` });
  };
  const engine = await open({ onCorruption: 'salvage' });
  await engine.logStore.repair?.(entries.slice(lost.first - 1, lost.last));
  repaired = true;
  await engine.close();
  disk.onCall = undefined;
  points.push({ disk, repaired, where: 'after the close' });
  for (const point of points) {
    const outcomes = [...point.disk.powerCutStates({ limit: 5, seed: context.seed }).states];
    for (const { name, fileIo } of [...outcomes, { name: 'process killed', fileIo: point.disk.clone() }]) {
      try {
        await check(context, fileIo, point.repaired, entries);
      } catch (error) {
        const reason = error instanceof Error ? error.message : error;
        throw new Error(`${point.repaired ? 'repaired, ' : ''}power cut ${point.where}, ${name}: ${reason}`, {
          cause: error,
        });
      }
    }
  }
}

async function check(
  { builder }: CaseContext,
  fileIo: LossyFileIo,
  repaired: boolean,
  entries: readonly Entry[],
): Promise<void> {
  const options: BuildOptions = { small: true, fileIo };
  const refused = await closing(builder.build(options), (engine) => assertLog(engine, entries));
  if (!refused) return;
  if (repaired) throw new Error('the log is refused as damaged, although it was repaired');
  await closing(builder.build({ ...options, onCorruption: 'salvage' }), (engine) => checkSalvaged(engine, entries));
}

/** Resolves to true if the open is refused with CORRUPTION. */
async function closing(
  opening: Promise<StorageEngine>,
  look: (engine: StorageEngine) => Promise<void>,
): Promise<boolean> {
  let engine: StorageEngine;
  try {
    engine = await opening;
  } catch (error) {
    if (isStorageError(error, 'CORRUPTION')) return true;
    throw error;
  }
  try {
    await look(engine);
  } finally {
    await engine.close();
  }
  return false;
}

async function checkSalvaged({ logStore }: StorageEngine, entries: readonly Entry[]): Promise<void> {
  const damaged = logStore.damagedRanges ?? [];
  for (const entry of entries) {
    if (damaged.some(({ first, last }) => first <= entry.index && entry.index <= last)) continue;
    assertSameEntry(await logStore.entry(entry.index), entry, `entry(${entry.index}) of the salvaged log`);
  }
}
