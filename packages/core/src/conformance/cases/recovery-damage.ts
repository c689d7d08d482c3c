import assert from 'node:assert/strict';
import { relative } from 'node:path';
import { isStorageError } from '../../errors.ts';
import { assertLog, rejectsWith } from '../assertions.ts';
import type { CaseContext, ConformanceCase } from '../case.ts';
import { createTestEntries } from '../entries.ts';
import { createRandom } from '../random.ts';
import {
  commitsIn,
  differenceFromWhole,
  makeSpecimen,
  patched,
  regionsOf,
  type Specimen,
  tryImage,
  withoutFiles,
} from './damaged-log.ts';
import { defineCases, ifDirectory } from './define-cases.ts';
import { contentsOf, type PlaceImage, placeImage, rewound, takeImage, withFile } from './place-image.ts';

const recovery = defineCases('recovery');
const onFiles = { inapplicable: withoutFiles, timeoutMs: 120_000 };

/** Logs whose files were cut short or changed. */
export const recoveryDamageCases: readonly ConformanceCase[] = [
  recovery(
    'G53-cut-at-every-byte',
    'a log whose newest file was cut at any byte shows the commits before the cut, and goes on',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits: 5, entriesPerCommit: 2, bytes: 90 });
      const { path, bytes, image } = newestFile(specimen);
      const firstData = Buffer.from(bytes).indexOf(firstEntryIn(specimen, bytes).data);
      const length = usedLength(bytes);
      let reached = -1;
      for (let cut = 0; cut <= length; cut++) {
        const what = `${path} cut at byte ${cut} of ${length}`;
        const damaged = withFile(image, path, bytes.slice(0, cut));
        const outcome = await tryImage(context, damaged, what);
        if (outcome.kind === 'refused' && outcome.code === 'CORRUPTION' && cut < firstData) continue;
        assert.equal(outcome.kind, 'opened', `${what}: ${JSON.stringify(outcome)}`);
        if (outcome.kind !== 'opened') return;
        const commits = commitsIn(specimen, outcome.state);
        if (commits === undefined) assert.fail(`${what}: ${differenceFromWhole(specimen, outcome.state)}`);
        assert.ok(commits >= reached, `${what}: ${commits} commits, but ${reached} with fewer bytes`);
        if (commits > reached || cut % 8 === 0) await checkGoesOn(context, damaged, specimen, commits, what);
        reached = commits;
      }
      assert.equal(reached, specimen.states.length - 1, 'commits found in the uncut file');
    },
    onFiles,
  ),
  recovery(
    'G53-cut-below-witness',
    'a log that was cut below what its witness saw durable is refused, and left as it is',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits: 4, entriesPerCommit: 2, bytes: 90 });
      const { path, bytes } = newestFile(specimen);
      for (const { start, end } of regionsOf(specimen, 4).filter((region) => region.path === path)) {
        for (const cut of [start, start + 1, Math.floor((start + end) / 2), end - 1]) {
          const damaged = withFile(specimen.witnessed, path, bytes.slice(0, cut));
          await checkRefused(context, damaged, `${path} cut at byte ${cut}`);
        }
      }
    },
    { ...onFiles, inapplicable: (subject) => withoutFiles(subject) ?? withoutWitness(subject.builder.files?.witness) },
  ),
  recovery(
    'G54-last-commit-damaged',
    'a last commit of which any sector is zero or garbage is dropped whole, if nothing vouches for it',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits: 3, entriesPerCommit: 3, bytes: 900 });
      const random = createRandom(context.seed);
      const last = specimen.states.length - 1;
      const image = imageAfter(specimen, last);
      for (const { path, start, end } of regionsOf(specimen, last)) {
        const bytes = image.files.get(path) ?? new Uint8Array(0);
        for (let sector = Math.floor(start / 512); sector * 512 < end; sector++) {
          const [from, to] = [Math.max(start, sector * 512), Math.min(end, (sector + 1) * 512)];
          for (const patch of [new Uint8Array(to - from), random.bytes(to - from)]) {
            const what = `sector ${sector} of ${path} ${patch.every((byte) => byte === 0) ? 'zero' : 'garbage'}`;
            const damaged = withFile(image, path, patched(bytes, from, patch));
            const outcome = await tryImage(context, damaged, what);
            assert.equal(outcome.kind, 'opened', `${what}: ${JSON.stringify(outcome)}`);
            if (outcome.kind !== 'opened') return;
            const commits = commitsIn(specimen, outcome.state);
            // A sector that held nothing but zeros is no worse for it.
            const harmless = Buffer.compare(damaged.files.get(path) ?? patch, bytes) === 0;
            assert.equal(commits, harmless ? last : last - 1, `${what}: commits found`);
            await checkGoesOn(context, damaged, specimen, commits ?? 0, what);
          }
        }
      }
    },
    onFiles,
  ),
  recovery(
    'G55-damage-before-the-tail',
    'damage in any commit but an unwitnessed last one is CORRUPTION with file and index range, and nothing is changed',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits: 8, entriesPerCommit: 2, bytes: 400 });
      const random = createRandom(context.seed);
      const last = specimen.states.length - 1;
      const witnessed = specimen.witnessFiles.length > 0;
      for (let commit = 1; commit <= (witnessed ? last : last - 1); commit++) {
        const image = commit === last ? specimen.witnessed : imageAfter(specimen, last);
        for (const { path, start, end } of regionsOf(specimen, commit)) {
          const bytes = image.files.get(path) ?? new Uint8Array(0);
          const at = random.integer(start + Math.floor((end - start) / 2), end - 1);
          const damaged = withFile(image, path, patched(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ 0xff)));
          const lost = await checkRefused(context, damaged, `byte ${at} of ${path}, in commit ${commit} of ${last}`);
          assert.ok(lost !== undefined, `the error for commit ${commit} names the lost range`);
          const touches = lost.first <= commit * 2 && lost.last >= commit * 2 - 1;
          assert.ok(
            touches,
            `the lost range ${lost.first} to ${lost.last} holds entry ${commit * 2 - 1} or ${commit * 2}`,
          );
        }
      }
    },
    onFiles,
  ),
  recovery(
    'G55a-rolled-back',
    'a store that has lost commits which its witness saw durable is refused, and left as it is',
    async (context) => {
      const { builder } = context;
      const root = builder.directory ?? '';
      const kept = [...(builder.files?.witness ?? []), ...(builder.files?.hardState ?? [])];
      let engine = await context.open({ small: true });
      await engine.logStore.persistEntries(createTestEntries(1, 10, 1));
      await engine.close();
      const older = await takeImage(builder);
      engine = await context.open({ small: true });
      await engine.logStore.persistEntries(createTestEntries(11, 12, 1));
      await engine.close();
      const newer = await takeImage(builder);
      // As a database leaves it that finds its newest log damaged, and opens without it.
      const place = await placeImage(
        context,
        rewound(
          older,
          newer,
          kept.map((path) => relative(root, path)),
        ),
      );
      const before = contentsOf(await place.image());
      await rejectsWith('CORRUPTION', place.open(), 'the open of a store whose last commit is lost');
      assert.deepEqual(contentsOf(await place.image()), before, 'files after the refusal');
    },
    {
      inapplicable: (subject) => ifDirectory(subject) ?? withoutWitness(subject.builder.files?.witness),
    },
  ),
  recovery(
    'G56-flip-every-byte',
    'any changed byte of a small store is detected or harmless, and never gives other data',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits: 4, entriesPerCommit: 2, bytes: 60 });
      const random = createRandom(context.seed);
      for (const [path, bytes] of specimen.witnessed.files) {
        for (const at of flipped(bytes, random)) {
          const mask = random.pick([0x01, 0x80, 0xff, 1 << random.integer(0, 7)]);
          const what = `byte ${at} of ${path} changed by 0x${mask.toString(16)}`;
          const damaged = withFile(
            specimen.witnessed,
            path,
            patched(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ mask)),
          );
          const outcome = await tryImage(context, damaged, what);
          if (outcome.kind !== 'opened') continue;
          const difference = differenceFromWhole(specimen, outcome.state);
          if (difference === undefined) continue;
          const dropsUnvouched = specimen.witnessFiles.length === 0 && commitsIn(specimen, outcome.state) !== undefined;
          assert.ok(dropsUnvouched, `${what}: ${difference}`);
        }
      }
    },
    onFiles,
  ),
  recovery(
    'G57-length-past-the-end',
    'a length that points past the end of its file is recognised without taking memory for it',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits: 3, entriesPerCommit: 1, bytes: 60 });
      const last = specimen.states.length - 1;
      const image = imageAfter(specimen, last);
      let [before, most] = [0, 0];
      const watch = (): void => {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      };
      for (const { path, start, end } of regionsOf(specimen, last)) {
        const bytes = image.files.get(path) ?? new Uint8Array(0);
        for (let at = start; at < Math.min(end, start + 160); at += 2) {
          for (const patch of [
            Uint8Array.of(0xff, 0xff, 0xff, 0x7f),
            Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0),
          ]) {
            const what = `bytes ${at} to ${at + patch.length - 1} of ${path} made huge`;
            const damaged = withFile(image, path, patched(bytes, at, patch));
            [before, most] = [process.memoryUsage().arrayBuffers, 0];
            const outcome = await tryImage(context, damaged, what, watch);
            const commits = outcome.kind === 'opened' ? commitsIn(specimen, outcome.state) : last;
            assert.ok(commits !== undefined && commits >= last - 1, `${what}: ${JSON.stringify(outcome)}`);
            // Buffers, not what the process holds resident: of a huge one that is zeros the system gives nothing away.
            assert.ok(most < 64 * 1024 * 1024, `${what}: an open took buffers of ${Math.round(most / 2 ** 20)} MiB`);
          }
        }
      }
    },
    onFiles,
  ),
  recovery(
    'G58-file-missing',
    'a log of which a file in the middle is missing is refused, and left as it is',
    async (context) => {
      const specimen = await makeSpecimen(context, { commits: 40, entriesPerCommit: 2, bytes: 900 });
      const image = imageAfter(specimen, specimen.states.length - 1);
      const holding = specimen.logFiles.filter((path) => holdsEntries(specimen, path));
      // Of a log in one file nothing can be missing but the whole.
      const removable = holding.length > 2 ? holding.slice(1, -1) : holding.slice(0, 1);
      for (const path of removable) await checkRefused(context, withFile(image, path, undefined), `${path} is missing`);
    },
    onFiles,
  ),
  recovery(
    'G58-purged-file-back',
    'a file that was purged and is back, as after a crash that undid its removal, changes nothing',
    async (context) => {
      const { builder } = context;
      const entries = createTestEntries(1, 80, 1, { bytes: 900 });
      const engine = await context.open({ small: true });
      for (let from = 0; from < 80; from += 2) await engine.logStore.persistEntries(entries.slice(from, from + 2));
      const before = await takeImage(builder);
      const boundary = { index: 70, term: 1 };
      await engine.logStore.purge(boundary);
      await engine.close();
      const after = await takeImage(builder);
      const gone = [...before.files.keys()].filter((path) => !after.files.has(path));
      for (const back of [gone, ...gone.map((path) => [path])]) {
        const place = await placeImage(context, rewound(after, before, back));
        const opened = await place.open();
        try {
          await assertLog(opened, entries.slice(70), boundary);
        } catch (error) {
          throw new Error(`${back.join(', ')} is back: ${error instanceof Error ? error.message : error}`, {
            cause: error,
          });
        } finally {
          await opened.close();
        }
      }
    },
    onFiles,
  ),
];

/** Opens the place, appends to the commits that were found, and reopens it. */
async function checkGoesOn(
  context: CaseContext,
  image: PlaceImage,
  specimen: Specimen,
  commits: number,
  what: string,
): Promise<void> {
  const entries = specimen.states[commits]?.entries ?? [];
  const next = createTestEntries(entries.length + 1, entries.length + 3, 2, { bytes: 70 });
  const place = await placeImage(context, image);
  const engine = await place.open();
  await engine.logStore.persistEntries(next);
  await engine.close();
  const reopened = await place.open();
  try {
    await assertLog(reopened, [...entries, ...next]);
  } catch (error) {
    throw new Error(`${what}, then an append and a reopen: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  } finally {
    await reopened.close();
  }
}

/** Fails unless the open is refused with CORRUPTION and changes nothing; resolves to the range that is said to be lost. */
async function checkRefused(
  context: CaseContext,
  image: PlaceImage,
  what: string,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const place = await placeImage(context, image);
  const error = await place.open().then(
    async (engine) => {
      await engine.close();
      return undefined;
    },
    (reason: unknown) => ({ reason }),
  );
  if (error === undefined) assert.fail(`${what}: the open was to be refused with CORRUPTION, but it succeeded`);
  if (!isStorageError(error.reason, 'CORRUPTION')) assert.fail(`${what}: not CORRUPTION, but ${error.reason}`);
  assert.deepEqual(contentsOf(await place.image()), contentsOf(image), `${what}: files after the refusal`);
  assert.notEqual(error.reason.details.path, undefined, `${what}: the error names the file`);
  return error.reason.details.lostRange;
}

function newestFile(specimen: Specimen): { path: string; bytes: Uint8Array; image: PlaceImage } {
  const image = imageAfter(specimen, specimen.states.length - 1);
  const path = regionsOf(specimen, specimen.states.length - 1).at(-1)?.path;
  const bytes = path === undefined ? undefined : image.files.get(path);
  if (path === undefined || bytes === undefined)
    throw new Error('The last commit is in none of the log files that the builder names.');
  return { path, bytes, image };
}

function imageAfter(specimen: Specimen, commits: number): PlaceImage {
  const image = specimen.images[commits];
  if (image === undefined) throw new Error(`There is no image of ${commits} commits.`);
  return image;
}

function firstEntryIn(specimen: Specimen, bytes: Uint8Array): { readonly data: Uint8Array } {
  const entry = specimen.states.at(-1)?.entries.find(({ data }) => Buffer.from(bytes).includes(Buffer.from(data)));
  if (entry === undefined) throw new Error('The newest log file holds no entry as it was given: name the right file.');
  return entry;
}

function holdsEntries(specimen: Specimen, path: string): boolean {
  return specimen.states
    .slice(1)
    .some((_, index) => regionsOf(specimen, index + 1).some((region) => region.path === path));
}

/** Length without the zeros that were written ahead, but with a few of them. */
function usedLength(bytes: Uint8Array): number {
  return Math.min(bytes.length, bytes.findLastIndex((byte) => byte !== 0) + 1 + 8);
}

/** Every byte up to where only zeros follow, and some of those. */
function flipped(bytes: Uint8Array, random: ReturnType<typeof createRandom>): number[] {
  const used = usedLength(bytes);
  const positions = Array.from({ length: used }, (_, at) => at);
  if (bytes.length > used) for (let i = 0; i < 16; i++) positions.push(random.integer(used, bytes.length - 1));
  return positions;
}

function withoutWitness(witness: readonly string[] | undefined): string | undefined {
  return witness === undefined ? 'the builder names no witness files' : undefined;
}
