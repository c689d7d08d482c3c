import { type FileHandle, type IndexRange, StorageError } from '@raftlog/core';
import { FileWindow } from './file-window.ts';
import {
  headersFrom,
  kitHeaderOf,
  nextIntactRecord,
  recordAt,
  recordInMemory,
  type ScannedRecord,
} from './record-scan.ts';
import { SegmentContents } from './segment-contents.ts';
import {
  RECORD_ALIGNMENT,
  type RecordHeader,
  recordEnd,
  recordPrefix,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './segment-format.ts';

/** What the scan needs to know of a segment. */
export interface SegmentToScan {
  readonly path: string;
  readonly handle: FileHandle;
  readonly header: SegmentHeader;
  /** The header of the segment after it; of the newest one `undefined`. */
  readonly next: SegmentHeader | undefined;
  /** Highest sequence that is known to have been durable. */
  readonly provenSequence: number;
  /** Last sequence by the segment's own footer, if it has one. */
  readonly sealedSequence: number | undefined;
  /** True: go on behind damage. False: throw `CORRUPTION`. */
  readonly salvage: boolean;
}

/** A place where the records of a segment are damaged. */
export interface Damage {
  readonly path: string;
  readonly offset: number;
  /** The keys that are lost, as far as can be told; `undefined`: none, or unknown. */
  readonly lost: IndexRange | undefined;
}

export interface SegmentScan {
  readonly contents: SegmentContents;
  /** The last intact record's own header, and the kit's (a copy). */
  readonly lastRecord: { readonly header: RecordHeader; readonly kitHeader: Uint8Array } | undefined;
  readonly damages: readonly Damage[];
  /** Where the records start that weren't known to be durable when the last one was written. */
  readonly unsyncedFrom: number;
  /** Bytes behind the end that belong to records of this life: a tail that was never acknowledged. */
  readonly tornBytes: number;
  readonly size: number;
}

/**
 * Reads the records of a segment in order.
 *
 * Where there is no good record of the next sequence `s`, there are two cases. Something proves that `s` was durable (the
 * header of the next segment, the witness, or a header further on that was written when `s` was known to be on the disk):
 * an acknowledged commit is damaged. Nothing does: the log ends here; neither `s` nor anything behind it was acknowledged.
 */
export async function scanSegment(segment: SegmentToScan): Promise<SegmentScan> {
  const { header, next, path } = segment;
  const size = await segment.handle.size();
  const window = segment.salvage
    ? new FileWindow(segment.handle, size)
    : new FileWindow(segment.handle, size, (at, cause) => corruption({ path, offset: at, lost: undefined }, cause));
  const contents = new SegmentContents(header, SEGMENT_HEADER_BYTES);
  let damages: readonly Damage[] = [];
  const unsynced = new UnsyncedTail(header.firstSequence - 1);
  const endSequence = next?.firstSequence ?? Number.POSITIVE_INFINITY;
  let highKey = header.highKey;
  let last: ScannedRecord | undefined;
  let tornBytes = 0;

  for (let offset = SEGMENT_HEADER_BYTES; contents.lastSequence + 1 < endSequence; ) {
    const expected = contents.lastSequence + 1;
    const found = recordInMemory(window, header, offset) ?? (await recordAt(window, header, offset));
    if (found?.intact?.sequence === expected) {
      last = found.intact;
      contents.apply(last);
      if (last.cut !== undefined) damages = cutLosses(damages, last.cut);
      highKey = last.header.highKeyAfter;
      unsynced.add(last);
      offset = last.end;
      continue;
    }
    const proven = next === undefined ? segment.provenSequence : next.firstSequence - 1;
    const tail = await examineTail(window, header, offset, expected);
    // What can't be read was never torn by a crash.
    if (expected > proven && !tail.provesDurable && window.unreadableEnd <= offset) {
      tornBytes = tail.bytes;
      break;
    }
    const intact = await nextIntactRecord(window, header, offset + RECORD_ALIGNMENT, contents.lastSequence);
    const resumed = intact !== undefined && intact.sequence < endSequence ? intact : undefined;
    const endIsWhole = segment.sealedSequence === contents.lastSequence;
    // Where no record behind the damage is intact, a header may be, and it tells of the commits before its own.
    const known = resumed?.header ?? (next === undefined ? tail.newest : undefined);
    const after = stateBefore(header.id, known, next, endIsWhole);
    const lost =
      after === undefined && found === undefined && segment.provenSequence < expected
        ? loseEnd(contents, highKey)
        : takeLoss(contents, highKey, found?.header, after);
    const damage = { path, offset, lost };
    if (!segment.salvage) throw corruption(damage);
    damages = [...damages, damage];
    if (resumed === undefined) break;
    contents.skipTo(resumed.sequence, resumed.header.offset);
    highKey = resumed.header.highKeyBefore;
    offset = resumed.header.offset;
  }
  return {
    contents,
    lastRecord: last && { header: last.header, kitHeader: await kitHeaderOf(window, last.header) },
    damages,
    unsyncedFrom: unsynced.offset ?? contents.end,
    tornBytes,
    size: window.size,
  };
}

/** The error for damage, which also tells what to do. */
export function corruption({ path, offset, lost }: Damage, cause?: unknown): StorageError<'CORRUPTION'> {
  const range = lost === undefined ? '' : `; entries ${lost.first} to ${lost.last} are lost`;
  return new StorageError(
    'CORRUPTION',
    `${path} is damaged at byte ${offset}${range}. Nothing was changed. Restore this node from its peers or from a backup, ` +
      "or open it with onCorruption: 'salvage' and repair the lost range.",
    { path, offset, ...(lost === undefined ? {} : { lostRange: lost }) },
    cause === undefined ? undefined : { cause },
  );
}

/**
 * For commits that are lost at the end of the log, of which nothing is left, neither here nor in the witness: they may have cut off anything, and
 * what they put is unknown but for one thing, that there is something behind `highKey` that a peer must bring before this node may vote.
 */
export function loseEnd(contents: SegmentContents, highKey: number): IndexRange {
  contents.cutFrom(1);
  return { first: 1, last: highKey + 1 };
}

/** The same damages, when a later commit has cut off everything from `cut` on: that is nobody's loss any more. */
export function cutLosses(damages: readonly Damage[], cut: number): readonly Damage[] {
  return damages.map((damage) => {
    const { lost } = damage;
    if (lost === undefined || lost.last < cut) return damage;
    return { ...damage, lost: lost.first < cut ? { first: lost.first, last: cut - 1 } : undefined };
  });
}

/** What lies from `offset` on, where no good record of the sequence `expected` stands. */
async function examineTail(
  window: FileWindow,
  header: SegmentHeader,
  offset: number,
  expected: number,
): Promise<{ readonly provesDurable: boolean; readonly newest: RecordHeader | undefined; readonly bytes: number }> {
  const prefix = recordPrefix(header);
  const start = await window.fetch(offset, prefix.byteLength);
  const begun = start.byteLength >= prefix.byteLength && prefix.every((byte, at) => start[at] === byte);
  let end = begun ? offset + prefix.byteLength : offset;
  let provesDurable = false;
  let newest: RecordHeader | undefined;
  for await (const found of headersFrom(window, header, offset)) {
    // The record at the very place doesn't count as a proof of itself: it knew only of those before it.
    provesDurable ||= found.syncedSequence >= expected;
    if (found.sequence > expected) newest = found;
    end = Math.max(end, Math.min(recordEnd(found), window.size));
  }
  return { provesDurable, newest, bytes: end - offset };
}

/** The state of the log that comes after damage, as the next intact thing tells it. */
export interface StateBefore {
  readonly highKey: number;
  readonly cuts: number;
  readonly lowestCut: number;
}

/**
 * A header knows the cuts of the one segment before it. Where something else is lost as well, the end of this segment or more than one
 * segment after it, everything may have been cut.
 */
export function stateBefore(
  id: number,
  record: RecordHeader | undefined,
  next: SegmentHeader | undefined,
  endIsWhole: boolean,
): StateBefore | undefined {
  if (record !== undefined) {
    const own = record.removeFrom === undefined ? 0 : 1;
    return { highKey: record.highKeyBefore, cuts: record.cuts - own, lowestCut: record.lowestCut };
  }
  if (next === undefined) return undefined;
  const isKnown = next.id - id === 1 || (next.id - id === 2 && endIsWhole);
  return { highKey: next.highKey, cuts: next.cuts, lowestCut: isKnown ? next.previousLowestCut : 1 };
}

/**
 * Tells what damage has cost, and takes it out of `contents`. If a truncation is among what was lost, entries before the damage may be
 * ones that it removed: everything from the lowest cut of the segment on counts as lost then, because an entry that was
 * truncated must never come back.
 */
export function takeLoss(
  contents: SegmentContents,
  highKey: number,
  damaged: RecordHeader | undefined,
  after: StateBefore | undefined,
): IndexRange | undefined {
  let first = highKey + 1;
  if (damaged?.removeFrom !== undefined) first = Math.min(first, damaged.lowestCut);
  if (after !== undefined && after.cuts !== contents.cuts) first = Math.min(first, after.lowestCut);
  if (first <= highKey) contents.cutFrom(first);
  contents.cuts = after?.cuts ?? damaged?.cuts ?? contents.cuts;
  // What the damaged record put may have been cut off by another one that is lost: what comes after them knows.
  const last = after?.highKey ?? damaged?.highKeyAfter ?? 0;
  return first <= last ? { first, last } : undefined;
}

/** Keeps track of the records that weren't known to be durable. */
class UnsyncedTail {
  #synced: number;
  readonly #records: { readonly sequence: number; readonly offset: number }[] = [];
  #from = 0;

  constructor(synced: number) {
    this.#synced = synced;
  }

  add(record: ScannedRecord): void {
    this.#synced = Math.max(this.#synced, record.header.syncedSequence);
    this.#records.push({ sequence: record.sequence, offset: record.header.offset });
    while ((this.#records[this.#from]?.sequence ?? Number.POSITIVE_INFINITY) <= this.#synced) this.#from++;
    if (this.#from > 1024) {
      this.#records.splice(0, this.#from);
      this.#from = 0;
    }
  }

  get offset(): number | undefined {
    return this.#records[this.#from]?.offset;
  }
}
