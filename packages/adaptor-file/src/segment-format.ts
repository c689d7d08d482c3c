import { crc32 } from 'node:zlib';

/**
 * The bytes of a segment: header, records, footer. `docs/file-format.md` says the same in prose.
 * All integers are little-endian; 64-bit ones are safe integers.
 */
export const FORMAT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 4096;
export const RECORD_HEADER_BYTES = 104;
export const BLOCK_HEADER_BYTES = 16;
export const TRAILER_BYTES = 80;
export const RUN_BYTES = 24;

/** Records start at multiples of this, so that a search for a later record can skip most positions. */
export const RECORD_ALIGNMENT = 8;

/** Longest header that the kit may give with a commit: it must fit into a segment header too. */
export const MAX_KIT_HEADER_BYTES: number = SEGMENT_HEADER_BYTES - 60;

/** Longest body of a record: positions within a segment are 32-bit numbers. */
export const MAX_BODY_BYTES: number = 2 ** 31;

/** Stands for "nothing was cut": above every key. */
export const NO_CUT: number = Number.MAX_SAFE_INTEGER;

const SEGMENT_MAGIC = 0x67736c72; // 'rlsg'
const RECORD_MAGIC = 0x63726c72; // 'rlrc'
const BLOCK_MAGIC = 0x6b626c72; // 'rlbk'
const TRAILER_MAGIC = 0x74666c72; // 'rlft'

/** Stamps everything that belongs to one life of a segment file. A file that is used again gets another one, which makes old records worthless. */
export interface SegmentStamp {
  readonly id: number;
  readonly salt: number;
}

/** What a segment starts with: who it is, and the state of the log before its first record. */
export interface SegmentHeader extends SegmentStamp {
  /** Sequence of its first record. A record of an earlier segment with this sequence or a higher one is void: it was a torn tail. */
  readonly firstSequence: number;
  /** Lowest segment that is still needed. */
  readonly firstSegment: number;
  /** No key was above this. 0: there was none. */
  readonly highKey: number;
  /** Number of commits with a `removeFrom` so far, in the whole log. */
  readonly cuts: number;
  /** Lowest cut within the segment before this one. */
  readonly previousLowestCut: number;
  /** The blocks of this segment fill a gap in the middle of the log. */
  readonly repair: boolean;
  /** The kit's header as of the last commit; `undefined` before the first. */
  readonly kitHeader: Uint8Array | undefined;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, SEGMENT_MAGIC, true);
  view.setUint32(4, FORMAT_VERSION, true);
  view.setUint32(8, header.id, true);
  view.setUint32(12, header.salt, true);
  setUint53(view, 16, header.firstSequence);
  setUint53(view, 24, header.highKey);
  setUint53(view, 32, header.previousLowestCut);
  view.setUint32(40, header.firstSegment, true);
  view.setUint32(44, header.cuts, true);
  view.setUint32(48, header.repair ? 1 : 0, true);
  view.setUint32(52, header.kitHeader?.byteLength ?? 0, true);
  if (header.kitHeader !== undefined) bytes.set(header.kitHeader, 56);
  view.setUint32(SEGMENT_HEADER_BYTES - 4, crc32(bytes.subarray(0, SEGMENT_HEADER_BYTES - 4)), true);
  return bytes;
}

/** The header; the number of a format that this version doesn't know; or `undefined` if the bytes are damaged. */
export function decodeSegmentHeader(
  bytes: Uint8Array,
): SegmentHeader | { readonly unknownVersion: number } | undefined {
  if (bytes.byteLength < SEGMENT_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== SEGMENT_MAGIC) return undefined;
  const checked = bytes.subarray(0, SEGMENT_HEADER_BYTES - 4);
  if (view.getUint32(SEGMENT_HEADER_BYTES - 4, true) !== crc32(checked)) return undefined;
  const version = view.getUint32(4, true);
  if (version !== FORMAT_VERSION) return { unknownVersion: version };
  const kitHeaderBytes = view.getUint32(52, true);
  if (kitHeaderBytes > MAX_KIT_HEADER_BYTES) return undefined;
  return {
    id: view.getUint32(8, true),
    salt: view.getUint32(12, true),
    firstSequence: getUint53(view, 16),
    highKey: getUint53(view, 24),
    previousLowestCut: getUint53(view, 32),
    firstSegment: view.getUint32(40, true),
    cuts: view.getUint32(44, true),
    repair: view.getUint32(48, true) === 1,
    kitHeader: kitHeaderBytes === 0 ? undefined : bytes.slice(56, 56 + kitHeaderBytes),
  };
}

/** What a record says of itself: one commit, all or nothing. */
export interface RecordHeader extends SegmentStamp {
  /** Where it starts in the segment: a record that was copied elsewhere is none. */
  readonly offset: number;
  readonly sequence: number;
  /** Highest sequence that was durable when this was written: its presence proves that all up to there was on the disk. */
  readonly syncedSequence: number;
  readonly removeFrom: number | undefined;
  readonly removeThrough: number | undefined;
  /** No key was above this before the commit, and none after it. They tell a salvage what a damaged record held. */
  readonly highKeyBefore: number;
  readonly highKeyAfter: number;
  /** Number of commits with a `removeFrom` in the whole log, and the lowest one of this segment, this record included. */
  readonly cuts: number;
  readonly lowestCut: number;
  /** Lowest segment that is needed once this record is durable: those below may be missing. */
  readonly firstSegment: number;
  readonly bodyBytes: number;
  readonly bodyCrc: number;
  readonly blockCount: number;
  readonly kitHeaderBytes: number;
}

export function encodeRecordHeader(view: DataView, bytes: Uint8Array, header: RecordHeader): void {
  view.setUint32(0, RECORD_MAGIC, true);
  view.setUint32(4, header.id, true);
  view.setUint32(8, header.salt, true);
  view.setUint32(12, header.offset, true);
  setUint53(view, 16, header.sequence);
  setUint53(view, 24, header.syncedSequence);
  setUint53(view, 32, header.removeFrom ?? 0);
  setUint53(view, 40, header.removeThrough ?? 0);
  setUint53(view, 48, header.highKeyBefore);
  setUint53(view, 56, header.highKeyAfter);
  setUint53(view, 64, header.lowestCut);
  view.setUint32(72, header.cuts, true);
  view.setUint32(76, header.firstSegment, true);
  view.setUint32(80, header.bodyBytes, true);
  view.setUint32(84, header.bodyCrc, true);
  view.setUint32(88, header.blockCount, true);
  view.setUint16(92, header.kitHeaderBytes, true);
  view.setUint16(94, (header.removeFrom === undefined ? 0 : 1) | (header.removeThrough === undefined ? 0 : 2), true);
  view.setUint32(96, 0, true);
  view.setUint32(100, crc32(bytes.subarray(0, 100)), true);
}

/** The record header at `at`, if there is a whole and intact one of this life of the segment. */
export function decodeRecordHeader(
  view: DataView,
  at: number,
  stamp: SegmentStamp,
  offset: number,
): RecordHeader | undefined {
  if (at < 0 || at + RECORD_HEADER_BYTES > view.byteLength) return undefined;
  if (view.getUint32(at, true) !== RECORD_MAGIC || view.getUint32(at + 4, true) !== stamp.id) return undefined;
  if (view.getUint32(at + 8, true) !== stamp.salt || view.getUint32(at + 12, true) !== offset) return undefined;
  const checked = new Uint8Array(view.buffer, view.byteOffset + at, 100);
  if (view.getUint32(at + 100, true) !== crc32(checked)) return undefined;
  const flags = view.getUint16(at + 94, true);
  return {
    id: stamp.id,
    salt: stamp.salt,
    offset,
    sequence: getUint53(view, at + 16),
    syncedSequence: getUint53(view, at + 24),
    removeFrom: flags & 1 ? getUint53(view, at + 32) : undefined,
    removeThrough: flags & 2 ? getUint53(view, at + 40) : undefined,
    highKeyBefore: getUint53(view, at + 48),
    highKeyAfter: getUint53(view, at + 56),
    lowestCut: getUint53(view, at + 64),
    cuts: view.getUint32(at + 72, true),
    firstSegment: view.getUint32(at + 76, true),
    bodyBytes: view.getUint32(at + 80, true),
    bodyCrc: view.getUint32(at + 84, true),
    blockCount: view.getUint32(at + 88, true),
    kitHeaderBytes: view.getUint16(at + 92, true),
  };
}

/** What every intact record of this life of a segment starts with: the needle for a search. */
export function recordPrefix(stamp: SegmentStamp): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = viewOf(bytes);
  view.setUint32(0, RECORD_MAGIC, true);
  view.setUint32(4, stamp.id, true);
  view.setUint32(8, stamp.salt, true);
  return bytes;
}

/** As {@link recordPrefix} where the salt isn't known. */
export function recordIdPrefix(id: number): Uint8Array {
  return recordPrefix({ id, salt: 0 }).subarray(0, 8);
}

/** The salt of the record header at `at`, if it is intact and carries this id: for a salvage of a segment whose own header is gone. */
export function saltOfRecord(view: DataView, at: number, id: number, offset: number): number | undefined {
  if (at + RECORD_HEADER_BYTES > view.byteLength) return undefined;
  const salt = view.getUint32(at + 8, true);
  return decodeRecordHeader(view, at, { id, salt }, offset) === undefined ? undefined : salt;
}

export function recordEnd(header: RecordHeader): number {
  return alignRecord(header.offset + RECORD_HEADER_BYTES + header.bodyBytes);
}

export function alignRecord(offset: number): number {
  return Math.ceil(offset / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
}

export function encodeBlockHeader(view: DataView, at: number, key: number, bytes: number): void {
  view.setUint32(at, BLOCK_MAGIC, true);
  view.setUint32(at + 4, bytes, true);
  setUint53(view, at + 8, key);
}

/** What stands at a position between blocks: the next block of the record, the next record, or neither. */
export type Found = 'block' | 'record' | undefined;

export function whatIsAt(view: DataView, at: number): Found {
  if (at + BLOCK_HEADER_BYTES > view.byteLength) return undefined;
  const magic = view.getUint32(at, true);
  if (magic === BLOCK_MAGIC) return 'block';
  return magic === RECORD_MAGIC && at + RECORD_HEADER_BYTES <= view.byteLength ? 'record' : undefined;
}

export function blockKeyAt(view: DataView, at: number): number {
  return getUint53(view, at + 8);
}

export function blockBytesAt(view: DataView, at: number): number {
  return view.getUint32(at + 4, true);
}

export function kitHeaderBytesAt(view: DataView, at: number): number {
  return view.getUint16(at + 92, true);
}

/**
 * What ends a sealed segment: all that an open needs of it without a scan. A hint that can be lost, for the records say the same; unless a salvage wrote it.
 */
export interface Trailer extends SegmentStamp {
  /** Written by a salvage: the records don't say the same, for parts of them are damaged. */
  readonly salvaged: boolean;
  readonly lastSequence: number;
  /** Bounds of the keys that live here, by what this segment itself says; `lowKey > highKey`: none. */
  readonly lowKey: number;
  readonly highKey: number;
  /** What its records removed from the segments before it. */
  readonly lowestCut: number;
  readonly highestRemoveThrough: number;
  readonly cuts: number;
  /** Where the last record ends. */
  readonly end: number;
  readonly runCount: number;
  readonly runsOffset: number;
  readonly runsCrc: number;
}

export function encodeTrailer(trailer: Trailer): Uint8Array {
  const bytes = new Uint8Array(TRAILER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, TRAILER_MAGIC, true);
  view.setUint32(4, trailer.id, true);
  view.setUint32(8, trailer.salt, true);
  view.setUint32(12, trailer.salvaged ? 1 : 0, true);
  setUint53(view, 16, trailer.lastSequence);
  setUint53(view, 24, trailer.lowKey);
  setUint53(view, 32, trailer.highKey);
  setUint53(view, 40, trailer.lowestCut);
  setUint53(view, 48, trailer.highestRemoveThrough);
  view.setUint32(56, trailer.cuts, true);
  view.setUint32(60, trailer.end, true);
  view.setUint32(64, trailer.runCount, true);
  view.setUint32(68, trailer.runsOffset, true);
  view.setUint32(72, trailer.runsCrc, true);
  view.setUint32(76, crc32(bytes.subarray(0, 76)), true);
  return bytes;
}

export function decodeTrailer(bytes: Uint8Array, stamp: SegmentStamp): Trailer | undefined {
  if (bytes.byteLength < TRAILER_BYTES) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== TRAILER_MAGIC || view.getUint32(4, true) !== stamp.id) return undefined;
  if (view.getUint32(8, true) !== stamp.salt) return undefined;
  if (view.getUint32(76, true) !== crc32(bytes.subarray(0, 76))) return undefined;
  return {
    id: stamp.id,
    salt: stamp.salt,
    salvaged: view.getUint32(12, true) === 1,
    lastSequence: getUint53(view, 16),
    lowKey: getUint53(view, 24),
    highKey: getUint53(view, 32),
    lowestCut: getUint53(view, 40),
    highestRemoveThrough: getUint53(view, 48),
    cuts: view.getUint32(56, true),
    end: view.getUint32(60, true),
    runCount: view.getUint32(64, true),
    runsOffset: view.getUint32(68, true),
    runsCrc: view.getUint32(72, true),
  };
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function setUint53(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

export function getUint53(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
