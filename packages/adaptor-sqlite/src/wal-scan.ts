import { closeSync, existsSync, openSync, readSync } from 'node:fs';

/*
 * SQLite's write-ahead log (https://sqlite.org/fileformat2.html#walformat), numbers big-endian:
 *
 *   header   32 bytes   0 magic, its last bit: byte order of the checksum's words;  8 page size;  16 two salts;  24 checksum of bytes 0 to 23
 *   frame    24 bytes   0 page number;  4 size of the database in pages if the frame ends a commit, else 0;  8 the salts;
 *                       16 checksum, continued from the frame before, of bytes 0 to 7 and the page;   then the page
 *
 * Each time the log starts anew it gets new salts, and is written over the old one.
 */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

/** What lies in a WAL behind the place where SQLite's recovery stops. */
export interface WalTail {
  /** Where it begins: behind the last whole commit. 0: the header is damaged, and nothing behind it is taken. */
  readonly offset: number;
  /** Bytes of this run of the log that lie there; recovery drops them without a word. */
  readonly bytes: number;
  /** Commits whose end lies there. */
  readonly commits: number;
}

const EMPTY: WalTail = { offset: HEADER_BYTES, bytes: 0, commits: 0 };

/** Follows the checksums of the WAL as SQLite's recovery does, and looks behind the first that is wrong. Changes nothing. */
export function scanWal(path: string): WalTail {
  if (!existsSync(path)) return EMPTY;
  const file = openSync(path, 'r');
  try {
    return scan((bytes, position) => readSync(file, bytes, 0, bytes.byteLength, position) === bytes.byteLength);
  } finally {
    closeSync(file);
  }
}

/** `read` fills the buffer from there and is true, or there is less. */
function scan(read: (bytes: Uint8Array, position: number) => boolean): WalTail {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  if (!read(new Uint8Array(header.buffer), 0)) return EMPTY;
  const magic = header.getUint32(0);
  const checksum = new WalChecksum(magic % 2 === 0);
  checksum.add(header, 0, 24);
  if (magic - (magic % 2) !== MAGIC || !checksum.equals(header, 24)) {
    // The header is synced before the first frame is written.
    const hasFrames = read(new Uint8Array(FRAME_HEADER_BYTES), HEADER_BYTES);
    return hasFrames ? { ...EMPTY, offset: 0 } : EMPTY;
  }

  const frame = new DataView(new ArrayBuffer(FRAME_HEADER_BYTES + header.getUint32(8)));
  let tail = EMPTY;
  let isIntact = true;
  for (let at = HEADER_BYTES; read(new Uint8Array(frame.buffer), at); at += frame.byteLength) {
    const isOfThisRun = frame.getUint32(8) === header.getUint32(16) && frame.getUint32(12) === header.getUint32(20);
    const endsCommit = isOfThisRun && frame.getUint32(4) !== 0;
    if (isIntact) {
      checksum.add(frame, 0, 8);
      checksum.add(frame, FRAME_HEADER_BYTES, frame.byteLength);
      isIntact = isOfThisRun && checksum.equals(frame, 16);
    }
    if (isIntact && endsCommit) tail = { offset: at + frame.byteLength, bytes: 0, commits: 0 };
    else if (isOfThisRun)
      tail = { ...tail, bytes: tail.bytes + frame.byteLength, commits: tail.commits + (endsCommit ? 1 : 0) };
  }
  return tail;
}

/** Two sums over pairs of 32-bit words. */
class WalChecksum {
  readonly #littleEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  add(bytes: DataView, from: number, to: number): void {
    let [first, second] = [this.#first, this.#second];
    for (let at = from; at < to; at += 8) {
      first = (first + bytes.getUint32(at, this.#littleEndian) + second) >>> 0;
      second = (second + bytes.getUint32(at + 4, this.#littleEndian) + first) >>> 0;
    }
    [this.#first, this.#second] = [first, second];
  }

  equals(bytes: DataView, at: number): boolean {
    return bytes.getUint32(at) === this.#first && bytes.getUint32(at + 4) === this.#second;
  }
}
