import assert from 'node:assert/strict';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertLog, assertSameEntries, collect, rejectsWith } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { makeSpecimen, patched, regionsOf, type Specimen, withoutFiles } from './damaged-log.ts';
import { defineCases } from './define-cases.ts';
import { contentsOf, type PlacedImage, type PlaceImage, placeImage, withFile } from './place-image.ts';
import { withoutFileIo } from './power-cut-explorer.ts';
import { repairCrash } from './repair-crash.ts';

const recovery = defineCases('recovery');

const onSalvage = {
  inapplicable: (subject: Parameters<typeof withoutFiles>[0]) =>
    withoutFiles(subject) ?? (subject.capabilities.salvage ? undefined : 'offers no salvage'),
  timeoutMs: 120_000,
};

const commits = 8;
const perCommit = 3;

/** Logs that are opened in spite of their damage. */
export const salvageCases: readonly ConformanceCase[] = [
  recovery(
    'G55-salvage',
    'a salvage opens with exactly what is lost, reads there reject, and only the right entries repair it',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits, entriesPerCommit: perCommit, bytes: 300 });
      for (const commit of [1, 4, commits]) {
        if (commit === commits && specimen.witnessFiles.length === 0) continue;
        const damaged = damage(specimen, commit);
        const place = await placeImage(context, damaged);
        const what = `with commit ${commit} of ${commits} damaged`;
        try {
          await salvageAndRepair(specimen, place, commit);
        } catch (error) {
          throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
        }
      }
    },
    onSalvage,
  ),
  recovery(
    'G55-salvage-of-a-whole-log',
    'a salvage of a log without damage finds none, and changes nothing of what is served',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits: 3, entriesPerCommit: perCommit, bytes: 300 });
      const place = await placeImage(context, specimen.witnessed);
      const engine = await place.open({ onCorruption: 'salvage' });
      try {
        assert.deepEqual(engine.logStore.damagedRanges ?? [], []);
        await assertLog(engine, createTestEntries(1, 3 * perCommit, 1, { bytes: 300 }));
      } finally {
        await engine.close();
      }
    },
    onSalvage,
  ),
  recovery(
    'G55-refused-until-repaired',
    'a log that was salvaged but not repaired is refused again, and a truncate or purge of what is lost ends that',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits, entriesPerCommit: perCommit, bytes: 300 });
      const all = createTestEntries(1, commits * perCommit, 1, { bytes: 300 });
      const { first, last } = rangeOf(4);
      for (const way of ['none', 'truncate', 'purge'] as const) {
        const place = await placeImage(context, damage(specimen, 4));
        const engine = await place.open({ onCorruption: 'salvage' });
        try {
          if (way === 'truncate') await engine.logStore.truncate(first);
          if (way === 'purge') await engine.logStore.purge({ index: last, term: 1 });
          if (way !== 'none') assert.deepEqual(engine.logStore.damagedRanges ?? [], [], `damagedRanges after ${way}`);
        } finally {
          await engine.close();
        }
        if (way === 'none') {
          const before = contentsOf(await place.image());
          await rejectsWith('CORRUPTION', place.open(), 'an open after a salvage without a repair');
          assert.deepEqual(contentsOf(await place.image()), before, 'files after the refusal');
          continue;
        }
        const reopened = await place.open();
        try {
          if (way === 'truncate') await assertLog(reopened, all.slice(0, first - 1));
          else await assertLog(reopened, all.slice(last), { index: last, term: 1 });
        } finally {
          await reopened.close();
        }
      }
    },
    onSalvage,
  ),
  recovery(
    'G55-repair-survives-power-cut',
    'wherever the power is cut in a salvage or a repair, a repaired log is whole, and another one never gives other data',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits, entriesPerCommit: perCommit, bytes: 300 });
      for (const commit of [2, 5]) {
        const entries = specimen.states.at(-1)?.entries ?? [];
        await repairCrash(context, await placeImage(context, damage(specimen, commit)), entries, rangeOf(commit));
      }
    },
    {
      ...onSalvage,
      inapplicable: (subject) => onSalvage.inapplicable(subject) ?? withoutFileIo(subject),
    },
  ),
];

async function salvageAndRepair(specimen: Specimen, place: PlacedImage, commit: number): Promise<void> {
  const all = specimen.states.at(-1)?.entries ?? [];
  const { first, last } = rangeOf(commit);
  const engine = await place.open({ onCorruption: 'salvage' });
  try {
    const log = engine.logStore;
    assert.deepEqual(
      (log.damagedRanges ?? []).map((range) => ({ ...range })),
      [{ first, last }],
      'damagedRanges',
    );
    assert.equal(log.lastIndex, all.length, 'lastIndex');
    assertSameEntries(await log.getEntries(1, first - 1), all.slice(0, first - 1), 'what is below');
    assertSameEntries(await log.getEntries(last + 1, all.length), all.slice(last), 'what is above');
    for (let index = first; index <= last; index++) {
      await rejectsWith('CORRUPTION', log.entry(index), `entry(${index}), which is lost`);
    }
    await rejectsWith('CORRUPTION', log.getEntries(1, all.length), 'a range across what is lost');
    await rejectsWith('CORRUPTION', collect(log.entries()), 'a stream across what is lost');
    await refuseWrongRepairs(engine, first, last);
    assert.equal((log.damagedRanges ?? []).length, 1, 'damagedRanges after repairs that were refused');
    await engine.logStore.repair?.(all.slice(first - 1, last));
    assert.deepEqual(log.damagedRanges ?? [], [], 'damagedRanges after the repair');
    await assertLog(engine, all);
  } finally {
    await engine.close();
  }
  const next = createTestEntry(all.length + 1, 2);
  const reopened = await place.open({ onCorruption: 'refuse' });
  try {
    await assertLog(reopened, all);
    await reopened.logStore.persistEntries([next]);
  } finally {
    await reopened.close();
  }
  const again = await place.open();
  try {
    await assertLog(again, [...all, next]);
  } finally {
    await again.close();
  }
}

async function refuseWrongRepairs({ logStore }: StorageEngine, first: number, last: number): Promise<void> {
  const right = createTestEntries(first, last, 1, { bytes: 300 });
  const wrong = {
    'one entry too few': right.slice(0, -1),
    'one entry too many': [...right, createTestEntry(last + 1, 1)],
    none: [],
    'another range': createTestEntries(first + 1, last + 1, 1),
    'a gap': right.map((entry, position) => (position === 1 ? createTestEntry(entry.index + 1, 1) : entry)),
    'a falling term': right.map((entry, position) => ({ ...entry, term: position === 0 ? 2 : 1 })),
  };
  for (const [what, entries] of Object.entries(wrong)) {
    if (logStore.repair === undefined) assert.fail('the engine declares salvage, but has no repair()');
    const codes = ['INVALID_ARGUMENT', 'TERM_REGRESSION', 'NON_CONTIGUOUS'] as const;
    await rejectsWith(codes, logStore.repair(entries), `repair with ${what}`);
  }
}

function damage(specimen: Specimen, commit: number): PlaceImage {
  const [region] = regionsOf(specimen, commit);
  const bytes = region === undefined ? undefined : specimen.witnessed.files.get(region.path);
  if (region === undefined || bytes === undefined) throw new Error(`Commit ${commit} is in no log file.`);
  // In the data, at the end of it: what stands before says which entries were there.
  const at = region.end - Math.floor((region.end - region.start) / 4);
  return withFile(specimen.witnessed, region.path, patched(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ 0x55)));
}

function rangeOf(commit: number): { readonly first: number; readonly last: number } {
  return { first: (commit - 1) * perCommit + 1, last: commit * perCommit };
}
