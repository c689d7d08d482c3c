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
  const window = new FileWindow(segment.handle, await segment.handle.size());
  const contents = new SegmentContents(header, SEGMENT_HEADER_BYTES);
  const damages: Damage[] = [];
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
      highKey = last.header.highKeyAfter;
      unsynced.add(last);
      offset = last.end;
      continue;
    }
    const proven = next === undefined ? segment.provenSequence : next.firstSequence - 1;
    const tail = await examineTail(window, header, offset, expected);
    if (expected > proven && !tail.provesDurable) {
      tornBytes = tail.bytes;
      break;
    }
    const intact = await nextIntactRecord(window, header, offset + RECORD_ALIGNMENT, contents.lastSequence);
    const resumed = intact !== undefined && intact.sequence < endSequence ? intact : undefined;
    const lost = takeLoss(contents, highKey, found?.header, stateBefore(header.id, resumed?.header, next));
    const damage = { path, offset, lost };
    if (!segment.salvage) throw corruption(damage);
    damages.push(damage);
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
export function corruption({ path, offset, lost }: Damage): StorageError<'CORRUPTION'> {
  const range = lost === undefined ? '' : `; entries ${lost.first} to ${lost.last} are lost`;
  return new StorageError(
    'CORRUPTION',
    `${path} is damaged at byte ${offset}${range}. Nothing was changed. Restore this node from its peers or from a backup, ` +
      "or open it with onCorruption: 'salvage' and repair the lost range.",
    { path, offset, ...(lost === undefined ? {} : { lostRange: lost }) },
  );
}

/** What lies from `offset` on, where no good record of the sequence `expected` stands. */
async function examineTail(
  window: FileWindow,
  header: SegmentHeader,
  offset: number,
  expected: number,
): Promise<{ readonly provesDurable: boolean; readonly bytes: number }> {
  const prefix = recordPrefix(header);
  const start = await window.fetch(offset, prefix.byteLength);
  const begun = start.byteLength >= prefix.byteLength && prefix.every((byte, at) => start[at] === byte);
  let end = begun ? offset + prefix.byteLength : offset;
  for await (const found of headersFrom(window, header, offset)) {
    // The record at the very place doesn't count as a proof of itself: it knew only of those before it.
    if (found.syncedSequence >= expected) return { provesDurable: true, bytes: 0 };
    end = Math.max(end, Math.min(recordEnd(found), window.size));
  }
  return { provesDurable: false, bytes: end - offset };
}

/** The state of the log that comes after damage, as the next intact thing tells it. */
interface StateBefore {
  readonly highKey: number;
  readonly cuts: number;
  readonly lowestCut: number;
}

/** Of the segments between two headers only the last one's cuts are known: with more of them lost, everything may have been cut. */
function stateBefore(
  id: number,
  record: RecordHeader | undefined,
  next: SegmentHeader | undefined,
): StateBefore | undefined {
  if (record !== undefined) {
    const own = record.removeFrom === undefined ? 0 : 1;
    return { highKey: record.highKeyBefore, cuts: record.cuts - own, lowestCut: record.lowestCut };
  }
  if (next === undefined) return undefined;
  return { highKey: next.highKey, cuts: next.cuts, lowestCut: next.id - id > 2 ? 1 : next.previousLowestCut };
}

/**
 * Tells what damage has cost, and takes it out of `contents`. If a truncation is among what was lost, entries before the damage may be
 * ones that it removed: everything from the lowest cut of the segment on counts as lost then, because an entry that was
 * truncated must never come back.
 */
function takeLoss(
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
  const last = Math.max(damaged?.highKeyAfter ?? 0, after?.highKey ?? 0);
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
