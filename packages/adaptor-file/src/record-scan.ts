import { crc32 } from 'node:zlib';
import type { FileWindow } from './file-window.ts';
import { cutOf, type PlacedBlock, type PlacedCommit } from './segment-contents.ts';
import {
  alignRecord,
  BLOCK_HEADER_BYTES,
  blockBytesAt,
  blockKeyAt,
  decodeRecordHeader,
  RECORD_ALIGNMENT,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  recordEnd,
  recordPrefix,
  type SegmentStamp,
  viewOf,
  whatIsAt,
} from './segment-format.ts';

/** A record as it was found: whole and intact. */
export interface ScannedRecord extends PlacedCommit {
  readonly header: RecordHeader;
}

/** What stands at a position: an intact header at least, perhaps an intact record. */
export interface FoundRecord {
  readonly header: RecordHeader;
  readonly intact: ScannedRecord | undefined;
}

/** The record at `offset`, checked; `undefined` if there is no intact header. Never allocates by a length that the file doesn't back. */
export async function recordAt(
  window: FileWindow,
  stamp: SegmentStamp,
  offset: number,
): Promise<FoundRecord | undefined> {
  const header = await headerAt(window, stamp, offset);
  if (header === undefined) return undefined;
  const bodyOffset = offset + RECORD_HEADER_BYTES;
  if (bodyOffset + header.bodyBytes > window.size) return { header, intact: undefined };
  return recordInMemory(window, stamp, offset) ?? { header, intact: await largeRecord(window, header, bodyOffset) };
}

/** As {@link recordAt}, if the whole record is in memory already: without a turn of the event loop per small record. */
export function recordInMemory(window: FileWindow, stamp: SegmentStamp, offset: number): FoundRecord | undefined {
  const { view, start } = window;
  const header = decodeRecordHeader(view, offset - start, stamp, offset);
  if (header === undefined) return undefined;
  const bodyAt = offset - start + RECORD_HEADER_BYTES;
  const end = bodyAt + header.bodyBytes;
  if (end > view.byteLength) return undefined;
  const body = new Uint8Array(view.buffer, view.byteOffset + bodyAt, header.bodyBytes);
  if (crc32(body) !== header.bodyCrc) return { header, intact: undefined };
  const blocks: PlacedBlock[] = [];
  for (let at = bodyAt + header.kitHeaderBytes; at < end; ) {
    if (whatIsAt(view, at) !== 'block') return { header, intact: undefined };
    const blockEnd = at + BLOCK_HEADER_BYTES + blockBytesAt(view, at);
    if (blockEnd > end) return { header, intact: undefined };
    blocks.push({ key: blockKeyAt(view, at), offset: start + at, end: start + blockEnd });
    at = blockEnd;
  }
  return { header, intact: scanned(header, blocks) };
}

async function headerAt(window: FileWindow, stamp: SegmentStamp, offset: number): Promise<RecordHeader | undefined> {
  await window.fetch(offset, RECORD_HEADER_BYTES);
  return decodeRecordHeader(window.view, offset - window.start, stamp, offset);
}

async function largeRecord(
  window: FileWindow,
  header: RecordHeader,
  bodyOffset: number,
): Promise<ScannedRecord | undefined> {
  const bodyEnd = bodyOffset + header.bodyBytes;
  let checksum = crc32(await kitHeaderOf(window, header));
  const blocks: PlacedBlock[] = [];
  for (let at = bodyOffset + header.kitHeaderBytes; at < bodyEnd; ) {
    const blockHeader = (await window.fetch(at, BLOCK_HEADER_BYTES)).subarray(0, BLOCK_HEADER_BYTES);
    const view = viewOf(blockHeader);
    if (whatIsAt(view, 0) !== 'block') return undefined;
    const end = at + BLOCK_HEADER_BYTES + blockBytesAt(view, 0);
    if (end > bodyEnd) return undefined;
    blocks.push({ key: blockKeyAt(view, 0), offset: at, end });
    await window.forEachSlice(at, end, (bytes) => {
      checksum = crc32(bytes, checksum);
    });
    at = end;
  }
  return checksum === header.bodyCrc ? scanned(header, blocks) : undefined;
}

/** The kit's header inside a record: a copy. */
export async function kitHeaderOf(window: FileWindow, header: RecordHeader): Promise<Uint8Array> {
  const bytes = await window.fetch(header.offset + RECORD_HEADER_BYTES, header.kitHeaderBytes);
  return bytes.slice(0, header.kitHeaderBytes);
}

function scanned(header: RecordHeader, blocks: PlacedBlock[]): ScannedRecord | undefined {
  if (blocks.length !== header.blockCount) return undefined;
  const { sequence, removeThrough } = header;
  return { header, sequence, cut: cutOf(header, blocks[0]?.key), removeThrough, blocks, end: recordEnd(header) };
}

/** The intact record headers of this life of the segment from `from` on, whatever their records are worth. */
export async function* headersFrom(
  window: FileWindow,
  stamp: SegmentStamp,
  from: number,
): AsyncGenerator<RecordHeader, void, undefined> {
  const prefix = recordPrefix(stamp);
  let position = await window.find(prefix, alignRecord(from), RECORD_ALIGNMENT);
  while (position !== undefined) {
    const header = await headerAt(window, stamp, position);
    if (header !== undefined) yield header;
    position = await window.find(prefix, position + RECORD_ALIGNMENT, RECORD_ALIGNMENT);
  }
}

/** The first intact record from `from` on whose sequence is higher than `sequence`. */
export async function nextIntactRecord(
  window: FileWindow,
  stamp: SegmentStamp,
  from: number,
  sequence: number,
): Promise<ScannedRecord | undefined> {
  for await (const header of headersFrom(window, stamp, from)) {
    if (header.sequence <= sequence) continue;
    const found = await recordAt(window, stamp, header.offset);
    if (found?.intact !== undefined) return found.intact;
  }
  return undefined;
}
