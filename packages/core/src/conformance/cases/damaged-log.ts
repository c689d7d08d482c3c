import { relative } from 'node:path';
import type { Entry, HardState } from '../../entry.ts';
import { isStorageError } from '../../errors.ts';
import type { CaseContext, ConformanceSubject } from '../case.ts';
import { createTestEntries } from '../entries.ts';
import { differenceBetween, type LogModel, observe } from '../model.ts';
import { type PlaceImage, placeImage, rewound, takeImage } from './place-image.ts';

/** A small log, as it lay on the disk after each commit, to be damaged. */
export interface Specimen {
  /** The place after 0, 1, 2, ... commits, all without a witness of any. */
  readonly images: readonly PlaceImage[];
  /** What an open finds in each. */
  readonly states: readonly LogModel[];
  /** The last image, but with the witness that a clean close leaves. */
  readonly witnessed: PlaceImage;
  /** Files that hold entries, oldest first. */
  readonly logFiles: readonly string[];
  readonly witnessFiles: readonly string[];
}

/** A stretch of one file. */
export interface Region {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** For `inapplicable`: the case damages files. */
export function withoutFiles({ builder, capabilities }: ConformanceSubject): string | undefined {
  if (capabilities.durability === 'volatile') return 'a volatile engine keeps nothing';
  if (builder.files?.log === undefined)
    return 'the builder names no files of its log: a checked file format is not claimed';
  return builder.directory === undefined ? 'the builder names no directory' : undefined;
}

/** Makes a log of `commits` appends of `entriesPerCommit` entries each, and a vote before them. */
export async function makeSpecimen(
  context: CaseContext,
  shape: {
    readonly commits: number;
    readonly entriesPerCommit: number;
    readonly bytes: number;
  },
): Promise<Specimen> {
  const { builder } = context;
  const files = builder.files;
  if (files?.log === undefined || builder.directory === undefined) throw new Error('The builder names no files.');
  const root = builder.directory;
  const engine = await context.open({ small: true });
  const hardState: HardState = { currentTerm: 1, votedFor: 'node-1' };
  await engine.metaStore.saveHardState(hardState);
  const images = [await takeImage(builder)];
  const entries: Entry[] = [];
  const states: LogModel[] = [{ entries: [], boundary: undefined, hardState }];
  for (let commit = 0; commit < shape.commits; commit++) {
    const next = createTestEntries(entries.length + 1, entries.length + shape.entriesPerCommit, 1, {
      bytes: shape.bytes,
    });
    await engine.logStore.persistEntries(next);
    // So that the next commit can vouch for this one, in buffered mode too.
    await engine.logStore.flush();
    entries.push(...next);
    images.push(await takeImage(builder));
    states.push({ entries: entries.slice(), boundary: undefined, hardState });
  }
  await engine.close();
  const below = (paths: readonly string[]): string[] => paths.map((path) => relative(root, path));
  const witnessFiles = below(files.witness ?? []);
  const closed = await takeImage(builder);
  const [start] = images;
  const last = images.at(-1);
  if (start === undefined || last === undefined) throw new Error('There is no image.');
  const logFiles = below(await files.log()).filter((path) => last.files.has(path));
  return {
    images: images.map((image) => rewound(image, start, witnessFiles)),
    states,
    witnessed: rewound(last, closed, witnessFiles),
    logFiles,
    witnessFiles,
  };
}

/** Where in the log's files the commit with this number (from 1 on) lies: what it changed there. */
export function regionsOf(specimen: Specimen, commit: number): Region[] {
  const [before, after] = [specimen.images[commit - 1], specimen.images[commit]];
  if (before === undefined || after === undefined) throw new Error(`There is no commit ${commit}.`);
  const regions: Region[] = [];
  for (const path of specimen.logFiles) {
    const [was, is] = [before.files.get(path) ?? new Uint8Array(0), after.files.get(path)];
    if (is === undefined) continue;
    const start = is.findIndex((byte, at) => byte !== (was[at] ?? 0));
    if (start < 0) continue;
    const end = is.findLastIndex((byte, at) => byte !== (was[at] ?? 0)) + 1;
    regions.push({ path, start, end });
  }
  return regions;
}

/** How an open of a damaged place ended. */
export type Outcome =
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'opened'; readonly state: LogModel }
  /** It opened, but says that what it holds can't be read. */
  | { readonly kind: 'unreadable' };

/**
 * Opens the image and reads all of it. Throws for an error that says nothing, such as a `RangeError`. `watch` is called now and then meanwhile, on a
 * simulated disk at each call.
 */
export async function tryImage(
  context: CaseContext,
  image: PlaceImage,
  what: string,
  watch: () => void = () => {},
): Promise<Outcome> {
  const place = await placeImage(context, image);
  if (place.disk !== undefined) place.disk.onCall = watch;
  let engine: Awaited<ReturnType<typeof place.open>>;
  try {
    engine = await place.open();
    watch();
  } catch (error) {
    watch();
    if (!isStorageError(error))
      throw new Error(`${what}: the open rejects with no StorageError: ${error}`, { cause: error });
    return { kind: 'refused', code: error.code, message: error.message };
  }
  try {
    return { kind: 'opened', state: await observe(engine) };
  } catch (error) {
    if (isStorageError(error, 'CORRUPTION')) return { kind: 'unreadable' };
    throw new Error(`${what}: a read rejects with ${error}, not with CORRUPTION`, { cause: error });
  } finally {
    await engine.close();
  }
}

/** Number of commits whose state this is; `undefined` if it is none of them. */
export function commitsIn(specimen: Specimen, state: LogModel): number | undefined {
  const commits = specimen.states.findIndex((expected) => differenceBetween(state, expected) === undefined);
  return commits < 0 ? undefined : commits;
}

/** Why the state is not that of all commits. */
export function differenceFromWhole(specimen: Specimen, state: LogModel): string | undefined {
  const whole = specimen.states.at(-1);
  return whole === undefined ? 'there is no state' : differenceBetween(state, whole);
}

/** A copy with the bytes from `start` on replaced. */
export function patched(bytes: Uint8Array, start: number, patch: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set(patch.subarray(0, Math.max(0, copy.length - start)), start);
  return copy;
}
