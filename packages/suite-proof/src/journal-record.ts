import { deserialize, serialize } from 'node:v8';
import { type Commit, crc32 } from '@raftlog/kit';

/*
 * A record: u32 length of the body, u32 CRC-32 of all that follows, u32 generation of the file; then the body.
 * A file that was used before holds records of an older generation behind its end.
 */
const HEAD_BYTES = 12;

/** One commit, or the whole state at the start of a file. The first record of a new store has no header. */
export type RecordBody = Pick<Commit, 'removeFrom' | 'removeThrough' | 'put'> & {
  readonly header: Uint8Array | undefined;
};

export interface JournalRecord {
  readonly generation: number;
  readonly body: RecordBody;
  /** Where the next record begins. */
  readonly end: number;
}

export function encodeRecord(generation: number, { removeFrom, removeThrough, put, header }: RecordBody): Uint8Array {
  const body = serialize({ removeFrom, removeThrough, put, header });
  const record = Buffer.allocUnsafe(HEAD_BYTES + body.length);
  record.writeUInt32LE(body.length, 0);
  record.writeUInt32LE(generation, 8);
  body.copy(record, HEAD_BYTES);
  record.writeUInt32LE(crc32(record.subarray(8)), 4);
  return record;
}

/** The record at `start`; `undefined` where there is none that is whole. */
export function decodeRecord(file: Buffer, start: number): JournalRecord | undefined {
  if (start + HEAD_BYTES > file.length) return undefined;
  const end = start + HEAD_BYTES + file.readUInt32LE(start);
  if (end > file.length || crc32(file.subarray(start + 8, end)) !== file.readUInt32LE(start + 4)) return undefined;
  const body = deserialize(file.subarray(start + HEAD_BYTES, end)) as RecordBody;
  return { generation: file.readUInt32LE(start + 8), body, end };
}
