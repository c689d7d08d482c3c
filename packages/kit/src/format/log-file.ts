import type { FileIo } from '@raftlog/core';
import { crc32c } from './crc32c.ts';

/** What is handed over of a record: the fields that matter stand at its beginning or its end, and it may be as large as memory. */
export interface RecordEnds {
  /** Its first 64 bytes or more; all of a shorter one. */
  readonly head: Buffer;
  /** Its last 8 bytes; all of a shorter one. */
  readonly tail: Buffer;
}

/** What a pass over a log file found besides its records. */
export interface LogFileEnd {
  /** Where what is not an intact record begins; the size of the file if nothing is. */
  readonly intactBytes: number;
  readonly size: number;
  /** An intact record begins behind it. Where each record is synced before the next begins, what is not intact was once: no crash tore it. */
  readonly damaged: boolean;
}

// The format is that of LevelDB's `doc/log_format.md`, which RocksDB has kept: blocks of 32 KiB, in them fragments of records, each behind checksum (4 bytes), length (2) and type (1).
const BLOCK_BYTES = 32 * 1024;
const FRAGMENT_HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4;

// Long enough that the calls don't count, short enough to be checked in less than a millisecond.
const WINDOW_BYTES = 8 * BLOCK_BYTES;

const HEAD_BYTES = 64;
const TAIL_BYTES = 8;

/**
 * Reads a log file of LevelDB or of a database that goes back to it (a write-ahead log or a manifest) and hands each intact record to `onRecord`, in order, up to
 * the first fault. For adaptors over databases that take a fault for the end and say nothing: they look before the database does.
 */
export async function readLogFile(
  path: string,
  io: FileIo,
  onRecord: (record: RecordEnds) => void,
): Promise<LogFileEnd> {
  const file = await io.open(path, 'read');
  try {
    const size = await file.size();
    const scan = new LogFileScan(onRecord);
    const window = Buffer.allocUnsafe(WINDOW_BYTES);
    for (let offset = 0; offset < size && !scan.damaged; ) {
      const bytes = await file.read(window, offset);
      if (bytes === 0) break;
      for (let at = 0; at < bytes; at += BLOCK_BYTES) {
        scan.block(window.subarray(at, Math.min(at + BLOCK_BYTES, bytes)), offset + at);
      }
      offset += bytes;
    }
    return { intactBytes: scan.intactBytes ?? size, size, damaged: scan.damaged };
  } finally {
    await file.close();
  }
}

const EMPTY: Buffer = Buffer.alloc(0);

class LogFileScan {
  damaged = false;
  readonly #onRecord: (record: RecordEnds) => void;
  /** Where the first fault is. */
  #fault: number | undefined;
  /** Where the record begins whose last fragment was not seen yet. */
  #openAt: number | undefined;
  #head: Buffer = EMPTY;
  #tail: Buffer = EMPTY;

  constructor(onRecord: (record: RecordEnds) => void) {
    this.#onRecord = onRecord;
  }

  get intactBytes(): number | undefined {
    return this.#fault ?? this.#openAt;
  }

  block(block: Buffer, offset: number): void {
    let at = 0;
    while (block.length - at >= FRAGMENT_HEADER_BYTES) {
      const end = at + FRAGMENT_HEADER_BYTES + block.readUInt16LE(at + 4);
      if (isIntact(block, at, end))
        this.#fragment(block[at + 6] as number, block.subarray(at + FRAGMENT_HEADER_BYTES, end), offset + at);
      else this.#faultAt(offset + at);
      at = end;
    }
    // Fewer bytes than a header has are left unused at the end of a block; at the end of the file they are a torn header.
    if (at < block.length && block.length < BLOCK_BYTES) this.#faultAt(offset + at);
  }

  #fragment(type: number, payload: Buffer, offset: number): void {
    const begins = type === FULL || type === FIRST;
    // What a crash tears is one record, the last: behind it there are only more fragments of its own.
    if (begins ? this.#openAt !== undefined : this.#openAt === undefined) this.#faultAt(offset);
    if (this.#fault !== undefined) {
      this.damaged ||= begins;
      return;
    }
    if (begins) {
      this.#openAt = offset;
      this.#head = EMPTY;
      this.#tail = EMPTY;
    }
    // Copied out of the window, which is read into again before a record of many fragments ends.
    if (this.#head.length < HEAD_BYTES) this.#head = Buffer.concat([this.#head, payload.subarray(0, HEAD_BYTES)]);
    this.#tail = Buffer.concat([this.#tail, payload.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    if (type === FULL || type === LAST) {
      this.#openAt = undefined;
      this.#onRecord({ head: this.#head, tail: this.#tail });
    }
  }

  #faultAt(offset: number): void {
    this.#fault ??= this.#openAt ?? offset;
  }
}

function isIntact(block: Buffer, at: number, end: number): boolean {
  const type = block[at + 6] as number;
  if (type < FULL || type > LAST || end > block.length) return false;
  return unmasked(block.readUInt32LE(at)) === crc32c(block.subarray(at + 6, end));
}

/** The checksums are stored rotated and shifted, so that a checksum of bytes that hold checksums is worth something. */
function unmasked(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
