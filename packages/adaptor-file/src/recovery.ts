import { join } from 'node:path';
import { type FileIo, StorageError } from '@raftlog/core';
import { BlockIndex } from './block-index.ts';
import { readIfReadable, withFile } from './files.ts';
import { headerFromRecords } from './header-salvage.ts';
import type { RunTable } from './run-table.ts';
import { scanSalvaged } from './salvaged-segment.ts';
import { SegmentContents } from './segment-contents.ts';
import { readTrailer } from './segment-footer.ts';
import {
  decodeSegmentHeader,
  FORMAT_VERSION,
  NO_CUT,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  type Trailer,
} from './segment-format.ts';
import { isTemporary, segmentIdOf, segmentPath } from './segment-names.ts';
import {
  corruption,
  cutLosses,
  type Damage,
  loseEnd,
  type SegmentScan,
  type SegmentToScan,
  scanSegment,
} from './segment-scan.ts';

/** A segment as the recovery found it. */
export interface RecoveredSegment {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly summary: SegmentContents;
  /** Where the blocks lie, if the segment was scanned; otherwise its footer has it. */
  readonly runs: RunTable | undefined;
  /** True: it ends with a footer that says the same. */
  readonly hasFooter: boolean;
  /** Its records don't say all that they should: only a footer that lists what is intact makes it a good segment again. */
  readonly damaged: boolean;
  /** Its header is damaged, or the whole file is missing. */
  readonly headerLost: boolean;
}

/** Everything that the files say, found without changing one. */
export interface RecoveredLog {
  /** Ascending, without gaps; the newest is the last. Empty: there was no log. */
  readonly segments: readonly RecoveredSegment[];
  readonly index: BlockIndex;
  /** The scan of the newest segment; `undefined` if there is none, or if a salvage couldn't read it. */
  readonly newest: SegmentScan | undefined;
  readonly kitHeader: Uint8Array | undefined;
  readonly firstSegment: number;
  readonly damages: readonly Damage[];
  /** Segments whose removal a crash has cut short. */
  readonly unneeded: readonly string[];
  /** Segments that were never finished. */
  readonly temporary: readonly string[];
}

/** What a recovery works on. */
export interface RecoveryOptions {
  readonly directory: string;
  readonly fileIo: FileIo;
  readonly salvage: boolean;
  readonly witnessedSequence: number;
}

/** A segment that there must be: with its header, or without one where that is damaged or the file is missing. */
interface LiveSegment {
  readonly id: number;
  readonly path: string;
  readonly header: SegmentHeader | undefined;
  readonly headerLost: boolean;
  readonly missing: boolean;
}

/** Most files that are open at a time. */
const PARALLEL_READS = 8;

/** Reads what is there. Changes nothing; throws `CORRUPTION` for damage unless `salvage`. */
export async function recoverLog(options: RecoveryOptions): Promise<RecoveredLog> {
  const { directory, fileIo, salvage } = options;
  const names = await fileIo.list(directory);
  const ids = names.flatMap((name) => segmentIdOf(name) ?? []).sort((a, b) => a - b);
  const temporary = names.filter(isTemporary).map((name) => join(directory, name));
  const newestId = ids.at(-1);
  const index = new BlockIndex();
  if (newestId === undefined) {
    return {
      segments: [],
      index,
      newest: undefined,
      kitHeader: undefined,
      firstSegment: 1,
      damages: [],
      unneeded: [],
      temporary,
    };
  }

  const found = new Map<number, LiveSegment>();
  await inParallel(ids, async (id) => {
    found.set(id, await findSegment(options, id));
  });
  const newestHeader = found.get(newestId)?.header;
  const newest = newestHeader && (await scanNewest(options, newestHeader, found.get(newestId)?.headerLost === true));
  const firstSegment = newest?.lastRecord?.header.firstSegment ?? newestHeader?.firstSegment ?? ids[0] ?? newestId;
  const live: LiveSegment[] = [];
  for (let id = firstSegment; id <= newestId; id++) {
    live.push(
      found.get(id) ?? { id, path: segmentPath(directory, id), header: undefined, headerLost: true, missing: true },
    );
  }
  const lost = live.find(({ missing }) => missing);
  if (lost !== undefined && !salvage) throw missingSegment(lost.path, newestHeader);

  const segments: RecoveredSegment[] = [];
  let damages: readonly Damage[] = [];
  let kitHeader: Uint8Array | undefined;
  const trailers = await readTrailers(options, live);
  const nexts = nextHeaders(live);
  for (const [position, segment] of live.entries()) {
    const next = nexts[position];
    const found = trailers.get(segment.id);
    // A footer that doesn't end where the next segment begins is not the last word on this one.
    const trailer = found?.salvaged || found?.lastSequence === (next?.firstSequence ?? 0) - 1 ? found : undefined;
    const scan =
      segment.id === newestId ? newest : await scanUnlessSealed(options, segment, next, trailer, found?.lastSequence);
    const recovered = combine(segment, segments.at(-1), scan, trailer);
    if (recovered.summary.lowestCut !== NO_CUT) damages = cutLosses(damages, recovered.summary.lowestCut);
    if (segment.headerLost) {
      const { lastSequence } = recovered.summary;
      const isEnd = segment.id === newestId && scan === undefined && options.witnessedSequence <= lastSequence;
      const lost = isEnd ? loseEnd(recovered.summary, index.highKey) : undefined;
      damages = [...damages, { path: segment.path, offset: 0, lost }];
    }
    damages = [...damages, ...(scan?.damages ?? [])];
    kitHeader = scan?.lastRecord?.kitHeader ?? segment.header?.kitHeader ?? kitHeader;
    segments.push(recovered);
    addToIndex(index, recovered);
  }
  const unneeded = ids.filter((id) => id < firstSegment).map((id) => segmentPath(directory, id));
  return { segments, index, newest, kitHeader, firstSegment, damages, unneeded, temporary };
}

/** Adds the net effect of a segment to that of the segments before it. */
function addToIndex(index: BlockIndex, { path, header, summary }: RecoveredSegment): void {
  if (summary.lowestCut !== NO_CUT) index.removeFrom(summary.lowestCut);
  if (summary.highestRemoveThrough > 0) index.removeThrough(summary.highestRemoveThrough);
  if (summary.lowKey > summary.highKey) return;
  const { lowKey, highKey } = summary;
  if (header.repair) index.replace(header.id, lowKey, highKey);
  else if (lowKey > index.highKey) index.put(header.id, lowKey, highKey);
  else throw corruption({ path, offset: 0, lost: { first: lowKey, last: index.highKey } });
}

/** For each segment the header of the next one that has its header. */
function nextHeaders(live: readonly LiveSegment[]): readonly (SegmentHeader | undefined)[] {
  const nexts: (SegmentHeader | undefined)[] = [];
  let next: SegmentHeader | undefined;
  for (const { header } of live.toReversed()) {
    nexts.push(next);
    next = header ?? next;
  }
  return nexts.reverse();
}

async function findSegment(options: RecoveryOptions, id: number): Promise<LiveSegment> {
  const path = segmentPath(options.directory, id);
  return withFile(options.fileIo, path, 'read', async (handle) => {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const read = await readIfReadable(handle, bytes, 0);
    const decoded = decodeSegmentHeader(bytes.subarray(0, read));
    if (decoded !== undefined && 'unknownVersion' in decoded) throw unsupportedFormat(path, decoded.unknownVersion);
    if (decoded?.id === id) return { id, path, header: decoded, headerLost: false, missing: false };
    // A segment gets its live name only when its header is on the disk: a live name without a header is damage, never a crash.
    if (!options.salvage) throw corruption({ path, offset: 0, lost: undefined });
    return { id, path, header: await headerFromRecords(handle, id), headerLost: true, missing: false };
  });
}

async function scanNewest(options: RecoveryOptions, header: SegmentHeader, headerLost: boolean): Promise<SegmentScan> {
  const { directory, fileIo, salvage, witnessedSequence } = options;
  const path = segmentPath(directory, header.id);
  return withFile(fileIo, path, 'read', async (handle) => {
    // A footer is written when the next segment exists.
    const trailer = await readTrailer(handle, header);
    const successor = segmentPath(directory, header.id + 1);
    if (trailer !== undefined && !salvage) throw missingSegment(successor, header);
    const sealedSequence = trailer?.lastSequence;
    // A header that was made from the first intact record knows that one to be there.
    const provenSequence = Math.max(witnessedSequence, sealedSequence ?? 0, headerLost ? header.firstSequence : 0);
    const scan = await scanSegment({ path, handle, header, next: undefined, provenSequence, sealedSequence, salvage });
    if (trailer === undefined) return scan;
    const { contents, lastRecord, damages } = scan;
    const highKey = lastRecord?.header.highKeyAfter ?? header.highKey;
    // How far the log went is for the witness to say, if that knows more.
    const lost = witnessedSequence > contents.lastSequence ? undefined : loseEnd(contents, highKey);
    return { ...scan, damages: [...damages, { path: successor, offset: 0, lost }] };
  });
}

/** The trailers of all segments but the newest. */
async function readTrailers(options: RecoveryOptions, live: readonly LiveSegment[]): Promise<Map<number, Trailer>> {
  const trailers = new Map<number, Trailer>();
  await inParallel(live.slice(0, -1), async ({ id, path, header, headerLost }) => {
    if (header === undefined || headerLost) return;
    const trailer = await withFile(options.fileIo, path, 'read', (handle) => readTrailer(handle, header));
    if (trailer !== undefined) trailers.set(id, trailer);
  });
  return trailers;
}

/** Scans a segment that isn't the newest, unless its footer will do. A salvage looks at everything, for a footer tells nothing of damage that came later. */
async function scanUnlessSealed(
  options: RecoveryOptions,
  { path, header }: LiveSegment,
  next: SegmentHeader | undefined,
  trailer: Trailer | undefined,
  sealedSequence: number | undefined,
): Promise<SegmentScan | undefined> {
  const { fileIo, salvage, witnessedSequence } = options;
  if (header === undefined || (trailer !== undefined && !salvage)) return undefined;
  return withFile(fileIo, path, 'read', async (handle) => {
    const provenSequence = witnessedSequence;
    const segment: SegmentToScan = { path, handle, header, next, provenSequence, sealedSequence, salvage };
    return (trailer?.salvaged ? await scanSalvaged(segment, trailer) : undefined) ?? scanSegment(segment);
  });
}

function combine(
  segment: LiveSegment,
  previous: RecoveredSegment | undefined,
  scan: SegmentScan | undefined,
  trailer: Trailer | undefined,
): RecoveredSegment {
  const { path, headerLost } = segment;
  const header = segment.header ?? substituteHeader(segment.id, previous);
  const sealed = trailer && SegmentContents.of(header, trailer);
  const summary = scan?.contents ?? sealed ?? new SegmentContents(header, SEGMENT_HEADER_BYTES);
  const damaged = headerLost || (scan?.damages.length ?? 0) > 0;
  return {
    path,
    header,
    summary,
    runs: scan?.contents.runs,
    hasFooter: trailer !== undefined && !damaged,
    damaged,
    headerLost,
  };
}

/** Stands in for a segment of which nothing can be read. */
function substituteHeader(id: number, previous: RecoveredSegment | undefined): SegmentHeader {
  return {
    id,
    salt: 0,
    firstSequence: (previous?.summary.lastSequence ?? 0) + 1,
    firstSegment: previous?.header.firstSegment ?? id,
    highKey: 0,
    cuts: previous?.summary.cuts ?? 0,
    previousLowestCut: NO_CUT,
    repair: false,
    kitHeader: undefined,
  };
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL_READS }, worker));
}

function missingSegment(path: string, newest: SegmentHeader | undefined): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `${path} is missing, though ${newest === undefined ? 'a later segment is there' : `segment ${newest.id} shows that it was there`}. ` +
      "Nothing was changed. Put the file back, restore this node from its peers or a backup, or open it with onCorruption: 'salvage'.",
    { path },
  );
}

function unsupportedFormat(path: string, found: number): StorageError<'UNSUPPORTED_FORMAT'> {
  return new StorageError(
    'UNSUPPORTED_FORMAT',
    `${path} has format version ${found}; this version of Raftlog reads ${FORMAT_VERSION}. Upgrade Raftlog.`,
    { path, found, supported: [FORMAT_VERSION] },
  );
}
