import { crc32 } from 'node:zlib';
import type { Entry, EntryKind, LogId } from '@raftlog/core';
import type { LogChange } from './log-state.ts';

// All numbers are little-endian. An index or a term is stored as a float64: exact for every safe integer, and read
// without the detour over BigInt.
//
//   file     header, then frames without gaps
//   header   magic (16), version u32, salt (8), whole bytes f64, checksum of these u32
//   frame    mark u32, payload length u32, checksum u32, payload
//   payload  type u8, then
//     replace  from f64, count u32, then for each entry: term f64, kind u8, data length u32, data
//     purge    index f64, term f64
//     reset    index f64, term f64; both 0: no boundary
//     end      16 zeros; the last frame of an engine that was closed
//
// The file had its whole bytes, header included, before it got its name: no crash can have torn these.
// The checksum of a frame covers the salt of its file and its own offset besides length and payload. A frame is valid
// only where it was written: bytes of an earlier file, or a journal that somebody stores as the data of an entry, never are.

const magic = Buffer.from('RAFTLOG-DIRECT\r\n', 'latin1');
export const formatVersion = 1;
export const headerBytes = 40;
const frameHeaderBytes = 12;
const frameMark = Buffer.from('RLf1', 'latin1');
const kinds: readonly EntryKind[] = ['noop', 'command', 'config'];
const types: readonly JournalRecord['type'][] = ['end', 'replace', 'purge', 'reset'];
const entryHeaderBytes = 13;

/** One frame says one of these. */
export type JournalRecord = LogChange | { readonly type: 'end' };

export interface JournalHeader {
  readonly version: number;
  readonly salt: Uint8Array;
  readonly wholeBytes: number;
}

export function encodeHeader({ version, salt, wholeBytes }: JournalHeader): Buffer {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32LE(version, 16);
  header.set(salt, 20);
  header.writeDoubleLE(wholeBytes, 28);
  header.writeUInt32LE(crc32(header.subarray(0, 36)), 36);
  return header;
}

/** `undefined` if this is no intact header. */
export function decodeHeader(bytes: Buffer): JournalHeader | undefined {
  if (bytes.byteLength < headerBytes || !bytes.subarray(0, 16).equals(magic)) return undefined;
  if (crc32(bytes.subarray(0, 36)) !== bytes.readUInt32LE(36)) return undefined;
  return { version: bytes.readUInt32LE(16), salt: bytes.subarray(20, 28), wholeBytes: bytes.readDoubleLE(28) };
}

/** The frame that holds `record` at `offset` of the file with this salt. */
export function encodeFrame(record: JournalRecord, salt: Uint8Array, offset: number): Buffer {
  const length = payloadBytes(record);
  const frame = Buffer.allocUnsafe(frameHeaderBytes + length);
  frame.set(frameMark);
  frame.writeUInt32LE(length, 4);
  writePayload(record, frame.subarray(frameHeaderBytes));
  frame.writeUInt32LE(checksum(frame.subarray(frameHeaderBytes), salt, offset), 8);
  return frame;
}

/** The record at `offset` and where the next frame starts; `undefined` if no intact frame starts there. */
export function decodeFrame(
  bytes: Buffer,
  offset: number,
  salt: Uint8Array,
): { record: JournalRecord; end: number } | undefined {
  const start = offset + frameHeaderBytes;
  if (start > bytes.byteLength || !bytes.subarray(offset, offset + 4).equals(frameMark)) return undefined;
  const length = bytes.readUInt32LE(offset + 4);
  if (length > bytes.byteLength - start) return undefined;
  const payload = bytes.subarray(start, start + length);
  if (checksum(payload, salt, offset) !== bytes.readUInt32LE(offset + 8)) return undefined;
  return { record: readPayload(payload), end: start + length };
}

/** The first intact frame that starts at `offset` or behind it. */
export function findFrame(bytes: Buffer, offset: number, salt: Uint8Array): JournalRecord | undefined {
  for (let at = bytes.indexOf(frameMark, offset); at !== -1; at = bytes.indexOf(frameMark, at + 1)) {
    const found = decodeFrame(bytes, at, salt);
    if (found) return found.record;
  }
  return undefined;
}

function checksum(payload: Uint8Array, salt: Uint8Array, offset: number): number {
  const position = Buffer.alloc(12);
  position.writeDoubleLE(offset, 0);
  position.writeUInt32LE(payload.byteLength, 8);
  return crc32(payload, crc32(position, crc32(salt)));
}

function payloadBytes(record: JournalRecord): number {
  if (record.type !== 'replace') return 17;
  return record.entries.reduce((sum, entry) => sum + entryHeaderBytes + entry.data.byteLength, 13);
}

function writePayload(record: JournalRecord, into: Buffer): void {
  into.writeUInt8(types.indexOf(record.type), 0);
  if (record.type !== 'replace') {
    const logId = record.type === 'purge' ? record.through : record.type === 'reset' ? record.boundary : undefined;
    into.writeDoubleLE(logId?.index ?? 0, 1);
    into.writeDoubleLE(logId?.term ?? 0, 9);
    return;
  }
  into.writeDoubleLE(record.from, 1);
  into.writeUInt32LE(record.entries.length, 9);
  let at = 13;
  for (const { term, kind, data } of record.entries) {
    into.writeDoubleLE(term, at);
    into.writeUInt8(kinds.indexOf(kind), at + 8);
    into.writeUInt32LE(data.byteLength, at + 9);
    into.set(data, at + entryHeaderBytes);
    at += entryHeaderBytes + data.byteLength;
  }
}

function readPayload(payload: Buffer): JournalRecord {
  const type = types[payload.readUInt8(0)] ?? 'end';
  const index = payload.readDoubleLE(1);
  if (type === 'end') return { type };
  if (type !== 'replace') {
    const logId: LogId = { index, term: payload.readDoubleLE(9) };
    if (type === 'purge') return { type, through: logId };
    return { type, boundary: index === 0 ? undefined : logId };
  }
  const entries: Entry[] = [];
  const count = payload.readUInt32LE(9);
  let at = 13;
  for (let n = 0; n < count; n++) {
    const start = at + entryHeaderBytes;
    const end = start + payload.readUInt32LE(at + 9);
    const kind = kinds[payload.readUInt8(at + 8)] ?? 'command';
    // Copied, so that one entry doesn't keep the bytes of the whole file in memory.
    const data = new Uint8Array(payload.subarray(start, end));
    entries.push({ index: index + n, term: payload.readDoubleLE(at), kind, data });
    at = end;
  }
  return { type, from: index, entries };
}
