import { join } from 'node:path';
import type { FileIo } from '@raftlog/core';
import { crc32c } from './crc32c.ts';

/** Key of a commit with a `removeFrom` that is under way. In ASCII: behind all blocks, whose keys begin with a zero byte. */
export const REDO_KEY: Buffer = Buffer.from('redo');

/** Ends each commit's record in the write-ahead log, behind the header, which is put last: the commit's sequence. */
export function encodeSequence(sequence: number): Buffer {
  const bytes = Buffer.alloc(SEQUENCE_BYTES);
  bytes.writeBigUInt64LE(BigInt(sequence));
  return bytes;
}

export const SEQUENCE_BYTES = 8;

/** How RocksDB's newest write-ahead log ends. */
export interface LogEnd {
  /** Sequence of the last commit that is intact, and with all before it: there is none newer. `undefined`: none, which says nothing of the tables. */
  readonly sequence: number | undefined;
  /** Bytes behind it that RocksDB will not read. */
  readonly tornBytes: number;
}

/** Reads the newest write-ahead log as RocksDB does: up to the first record that isn't intact. */
export async function readNewestLog(directory: string, io: FileIo): Promise<LogEnd> {
  const numbers = (await io.list(directory)).map((name) => Number(/^(\d+)\.log$/.exec(name)?.[1] ?? 0));
  const newest = Math.max(0, ...numbers);
  if (newest === 0) return { sequence: undefined, tornBytes: 0 };
  const file = await io.open(join(directory, `${String(newest).padStart(6, '0')}.log`), 'read');
  try {
    const size = await file.size();
    const scan = new LogScan();
    const window = Buffer.allocUnsafe(WINDOW_BYTES);
    for (let offset = 0; offset < size && !scan.ended; offset += WINDOW_BYTES) {
      const read = await file.read(window, offset);
      for (let at = 0; at < read; at += BLOCK_BYTES)
        scan.block(window.subarray(at, Math.min(at + BLOCK_BYTES, read)), offset + at);
    }
    return { sequence: scan.sequence, tornBytes: size - scan.intactBytes };
  } finally {
    await file.close();
  }
}

/*
 * The format is that of RocksDB's `db/log_format.h`: blocks of 32 KiB, in them fragments of records, each behind checksum (4 bytes), length (2) and type (1).
 * A record is a batch: 12 bytes, then its operations, each with its kind, the length of its key, the key.
 */
const BLOCK_BYTES = 32 * 1024;
const WINDOW_BYTES: number = 8 * BLOCK_BYTES;
const FRAGMENT_HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4;
const FIRST_OPERATION = 12;
const DELETION = 0;
const PUT = 1;

const EMPTY: Buffer = Buffer.alloc(0);

class LogScan {
  sequence: number | undefined;
  /** End of the last intact record. */
  intactBytes = 0;
  ended = false;
  #inRecord = false;
  // Fields of interest stand at the beginning and at the end of a record, which may be as large as memory.
  #head: Buffer = EMPTY;
  #tail: Buffer = EMPTY;

  block(block: Buffer, offset: number): void {
    // Fewer bytes than a fragment's header has are left unused at the end of a block.
    for (let at = 0; !this.ended && block.length - at >= FRAGMENT_HEADER_BYTES; ) {
      const end = at + FRAGMENT_HEADER_BYTES + block.readUInt16LE(at + 4);
      const type = block[at + 6] as number;
      if (isIntact(block, at, end)) this.#fragment(type, block.subarray(at + FRAGMENT_HEADER_BYTES, end), offset + end);
      else this.ended = true;
      at = end;
    }
  }

  #fragment(type: number, payload: Buffer, end: number): void {
    const begins = type === FULL || type === FIRST;
    this.ended = begins === this.#inRecord;
    if (this.ended) return;
    this.#inRecord = true;
    if (begins) [this.#head, this.#tail] = [EMPTY, EMPTY];
    // Copied out of the window, which is read into again before a record of many fragments ends.
    if (this.#head.length < HEAD_BYTES) this.#head = Buffer.concat([this.#head, payload.subarray(0, HEAD_BYTES)]);
    this.#tail = Buffer.concat([this.#tail, payload.subarray(-SEQUENCE_BYTES)]).subarray(-SEQUENCE_BYTES);
    if (type !== FULL && type !== LAST) return;
    this.#inRecord = false;
    this.intactBytes = end;
    if (isCommit(this.#head)) this.sequence = Number(this.#tail.readBigUInt64LE());
  }
}

const HEAD_BYTES: number = FIRST_OPERATION + 2;

/** Range deletions and the redo record of a commit are in the log too, and end with something else. */
function isCommit(record: Buffer): boolean {
  const [kind, keyLength = 0] = record.subarray(FIRST_OPERATION);
  return kind === DELETION || (kind === PUT && keyLength !== REDO_KEY.length);
}

function isIntact(block: Buffer, at: number, end: number): boolean {
  const type = block[at + 6] as number;
  if (type < FULL || type > LAST || end > block.length) return false;
  return unmasked(block.readUInt32LE(at)) === crc32c(block.subarray(at + 6, end));
}

/** Checksums are stored rotated and shifted, so that a checksum of bytes that hold checksums is worth something. */
function unmasked(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
