import { type Entry, type EntryKind, StorageError } from '@raftlog/core';
import { allocate, type BufferPool } from './buffer-pool.ts';
import { combineCrc32, crc32 } from './checksum.ts';

/*
 * A block, in bytes (little-endian; 53-bit numbers as two u32, low first):
 *
 *    0  u32  magic "RLB1"
 *    4  u32  CRC-32 of everything from byte 8 on
 *    8  u8   version, 1          9  u8  compression, 0: none      10  u16  0
 *   12  u32  count of entries
 *   16  u64  index of the first entry; the others follow without a gap
 *   24  u32  length of the payload before compression
 *   28  u32  length of the payload as stored
 *   32       payload: per entry  u32 length of data, u32 low term, u32 high term (21 bits) | kind << 24, data
 */
const MAGIC = 0x31424c52;
const VERSION = 1;
export const BLOCK_HEADER_BYTES = 32;
export const ENTRY_HEADER_BYTES = 12;

/** A block is closed before it would grow beyond this; only a single larger entry makes a larger block. */
export const MAX_BLOCK_BYTES: number = 64 * 1024;

const KINDS: readonly EntryKind[] = ['noop', 'command', 'config'];
const KIND_CODES: Record<EntryKind, number> = { noop: 0, command: 1, config: 2 };

const TWO_32 = 0x1_0000_0000;
// What V8 spends on an Entry, its typed array and the slot that points at it; measured, so that the cache's bound is a bound on memory.
const DECODED_ENTRY_BYTES = 200;
const BLOCK_OBJECT_BYTES = 320;

/**
 * A run of entries in encoded form, decoded when asked. It is built by `append` and then never changes again: what was
 * read from it are views on its bytes, and those must stay as they are whatever is written later.
 */
export class EntryBlock {
  readonly first: number;
  #count = 0;
  #bytes: Uint8Array;
  #view: DataView;
  #used = BLOCK_HEADER_BYTES;
  #sealed = false;
  /** Where `#bytes` came from, until somebody has seen a part of them. */
  #pool: BufferPool | undefined;
  readonly #decoded: Entry[] = [];
  #wasRead = false;
  #decodedTo = BLOCK_HEADER_BYTES;

  private constructor(first: number, bytes: Uint8Array) {
    this.first = first;
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  /**
   * An empty block to append to. `expectedBytes` of entries will come: a hint that saves copies. With a `pool` (of buffers of
   * `MAX_BLOCK_BYTES`) a block that will be about full takes its memory there.
   */
  static start(first: number, expectedBytes: number, pool?: BufferPool): EntryBlock {
    const expected = BLOCK_HEADER_BYTES + expectedBytes;
    if (pool === undefined || expected < MAX_BLOCK_BYTES / 2)
      return new EntryBlock(first, allocate(Math.min(expected, MAX_BLOCK_BYTES)));
    const block = new EntryBlock(first, pool.take());
    block.#pool = pool;
    return block;
  }

  /** Takes an uncompressed block as it was stored; `CORRUPTION` unless all of it is intact. */
  static parse(bytes: Uint8Array): EntryBlock {
    const header = readBlockHeader(bytes);
    if (header.compression !== 0) throw corruptBlock('is compressed where it must not be');
    const block = new EntryBlock(header.first, bytes);
    block.#count = header.count;
    block.#used = bytes.length;
    block.#sealed = true;
    return block;
  }

  get last(): number {
    return this.first + this.#count - 1;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of the entries in encoded form. */
  get payloadBytes(): number {
    return this.#used - BLOCK_HEADER_BYTES;
  }

  /** What the block keeps from the garbage collector, decoded entries included. */
  get memoryBytes(): number {
    return this.#bytes.length + this.#decoded.length * DECODED_ENTRY_BYTES + BLOCK_OBJECT_BYTES;
  }

  /** True if `dataBytes` more still fit; an empty block takes anything. */
  hasRoomFor(dataBytes: number): boolean {
    return !this.#sealed && (this.#count === 0 || this.#used + ENTRY_HEADER_BYTES + dataBytes <= MAX_BLOCK_BYTES);
  }

  /** Copies an entry in. Its index is the next one; the caller has checked that there is room. */
  append(term: number, kind: EntryKind, data: Uint8Array): void {
    const start = this.#used;
    const end = start + ENTRY_HEADER_BYTES + data.length;
    if (end > this.#bytes.length) this.#grow(end);
    this.#view.setUint32(start, data.length, true);
    this.#view.setUint32(start + 4, term % TWO_32, true);
    this.#view.setUint32(start + 8, Math.floor(term / TWO_32) | (KIND_CODES[kind] << 24), true);
    this.#bytes.set(data, start + ENTRY_HEADER_BYTES);
    this.#used = end;
    this.#count++;
  }

  #grow(needed: number): void {
    this.#moveTo(allocate(Math.max(needed, Math.min(this.#bytes.length * 2, MAX_BLOCK_BYTES))));
  }

  #moveTo(bytes: Uint8Array): void {
    // Readers keep views on the old bytes; nothing is written to those again.
    bytes.set(this.#bytes.subarray(0, this.#used));
    this.#giveBack();
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  #giveBack(): void {
    this.#pool?.give(this.#bytes);
    this.#pool = undefined;
  }

  /** The block is not used any more. Its memory is, unless somebody has seen a part of it. */
  release(): void {
    if (this.#pool === undefined) return;
    this.#giveBack();
    // Whoever still reads it fails at once, and doesn't see the next block's bytes.
    this.#bytes = new Uint8Array(0);
    this.#view = viewOf(this.#bytes);
    this.#used = 0;
  }

  /** True if all entries of `next`, which follow this block's, fit as well. */
  hasRoomForAll(next: EntryBlock): boolean {
    return !this.#sealed && this.last + 1 === next.first && this.#used + next.payloadBytes <= MAX_BLOCK_BYTES;
  }

  /** Copies the entries of `next` behind its own. */
  absorb(next: EntryBlock): void {
    const end = this.#used + next.payloadBytes;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(next.#bytes.subarray(BLOCK_HEADER_BYTES, next.#used), this.#used);
    this.#used = end;
    this.#count += next.count;
  }

  /** The entry at `index`, which is inside the block. */
  at(index: number): Entry {
    this.#pool = undefined;
    const position = index - this.first;
    const known = this.#decoded[position];
    if (known !== undefined) return known;
    let offset = this.#decodedTo;
    for (let at = this.#decoded.length; at < position; at++) offset = this.#endOfEntry(offset);
    return this.#decode(offset, index);
  }

  /**
   * The entries `from` to `to`, both inside the block. From the second time on they are kept, and reading them again costs
   * nothing; most are read once, and those should be as young as they look to the garbage collector.
   */
  slice(from: number, to: number): readonly Entry[] {
    this.#pool = undefined;
    if (!this.#wasRead) {
      this.#wasRead = true;
      let offset = BLOCK_HEADER_BYTES;
      for (let index = this.first; index < from; index++) offset = this.#endOfEntry(offset);
      const entries: Entry[] = [];
      this.#decodeInto(entries, offset, from, to);
      return entries;
    }
    this.#decodedTo = this.#decodeInto(this.#decoded, this.#decodedTo, this.first + this.#decoded.length, to);
    const start = from - this.first;
    const end = to - this.first + 1;
    return start === 0 && end === this.#decoded.length ? this.#decoded : this.#decoded.slice(start, end);
  }

  /** A block of its own with the entries up to `last`, which is inside. */
  head(last: number): EntryBlock {
    let end = BLOCK_HEADER_BYTES;
    for (let index = this.first; index <= last; index++) end = this.#endOfEntry(end);
    const head = EntryBlock.start(this.first, end - BLOCK_HEADER_BYTES);
    if (end > head.#bytes.length) head.#grow(end);
    head.#bytes.set(this.#bytes.subarray(BLOCK_HEADER_BYTES, end), BLOCK_HEADER_BYTES);
    head.#used = end;
    head.#count = last - this.first + 1;
    return head;
  }

  /** Closes the block and gives its bytes, uncompressed. */
  seal(): Uint8Array {
    if (this.#sealed) return this.#bytes.subarray(0, this.#used);
    // Room that was never used would be pinned as long as the block is cached.
    if (this.#used < this.#bytes.length * 0.9) this.#moveTo(allocate(this.#used));
    const bytes = this.#bytes.subarray(0, this.#used);
    writeBlockHeader(bytes, this.#view, this.first, this.#count, 0, this.payloadBytes);
    this.#sealed = true;
    return bytes;
  }

  #endOfEntry(offset: number): number {
    if (offset + ENTRY_HEADER_BYTES > this.#used) throw corruptBlock('ends inside an entry');
    const end = offset + ENTRY_HEADER_BYTES + this.#view.getUint32(offset, true);
    if (end > this.#used) throw corruptBlock('ends inside an entry');
    return end;
  }

  /** Decodes the entries `from` to `to`, of which the first is at `offset`: the loop that a large read spends its time in. */
  #decodeInto(entries: Entry[], offset: number, from: number, to: number): number {
    const view = this.#view;
    const { buffer, byteOffset } = this.#bytes;
    let at = offset;
    for (let index = from; index <= to; index++) {
      const end = this.#endOfEntry(at);
      const start = at + ENTRY_HEADER_BYTES;
      entries.push(entryOf(index, view, at, new Uint8Array(buffer, byteOffset + start, end - start)));
      at = end;
    }
    return at;
  }

  #decode(offset: number, index: number): Entry {
    const end = this.#endOfEntry(offset);
    return entryOf(index, this.#view, offset, this.#bytes.subarray(offset + ENTRY_HEADER_BYTES, end));
  }
}

function entryOf(index: number, view: DataView, offset: number, data: Uint8Array): Entry {
  const high = view.getUint32(offset + 8, true);
  const kind = KINDS[high >>> 24];
  if (kind === undefined) throw corruptBlock(`has an entry of unknown kind ${high >>> 24}`);
  return { index, term: (high & 0xff_ffff) * TWO_32 + view.getUint32(offset + 4, true), kind, data };
}

/** What a block says of itself before its payload is looked at. */
export interface BlockHeader {
  readonly first: number;
  readonly count: number;
  readonly compression: number;
  readonly rawBytes: number;
}

/** Checks a stored block whole, by its checksum, and answers for its header; `CORRUPTION` otherwise. */
export function readBlockHeader(bytes: Uint8Array): BlockHeader {
  if (bytes.length < BLOCK_HEADER_BYTES) throw corruptBlock('is shorter than its header');
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== MAGIC) throw corruptBlock('does not start with its magic number');
  if (view.getUint32(4, true) !== crc32(bytes.subarray(8))) throw corruptBlock('does not match its checksum');
  const version = view.getUint8(8);
  if (version !== VERSION) {
    throw new StorageError(
      'UNSUPPORTED_FORMAT',
      `A block has format version ${version}; this version of Raftlog reads ${VERSION}. Upgrade Raftlog.`,
      { path: '', found: version, supported: [VERSION] },
    );
  }
  const first = view.getUint32(16, true) + view.getUint32(20, true) * TWO_32;
  const count = view.getUint32(12, true);
  if (view.getUint32(28, true) !== bytes.length - BLOCK_HEADER_BYTES)
    throw corruptBlock('has another length than it says');
  if (count === 0 || first === 0) throw corruptBlock('has no entries');
  return { first, count, compression: view.getUint8(9), rawBytes: view.getUint32(24, true) };
}

/** Writes the header of a block whose payload stands behind it already; the checksum last, over all of it. */
export function writeBlockHeader(
  bytes: Uint8Array,
  view: DataView,
  first: number,
  count: number,
  compression: number,
  rawBytes: number,
): void {
  view.setUint32(0, MAGIC, true);
  view.setUint32(8, VERSION | (compression << 8), true);
  view.setUint32(12, count, true);
  view.setUint32(16, first % TWO_32, true);
  view.setUint32(20, Math.floor(first / TWO_32), true);
  view.setUint32(24, rawBytes, true);
  view.setUint32(28, bytes.length - BLOCK_HEADER_BYTES, true);
  view.setUint32(4, crc32(bytes.subarray(8)), true);
}

/** Where a second pass over the bytes costs more than the arithmetic that spares it. */
const LARGE_BLOCK_BYTES = 4096;

/**
 * CRC-32 of a block that follows what `seed` is the checksum of, for a store that has a checksum over more than one block. A block brings one of its own:
 * of a large one only the first bytes are read, and its checksum is put to use. What has been damaged in memory since then fails both checks when it is read.
 */
export function crc32WithBlock(block: Uint8Array, seed: number): number {
  if (block.length < LARGE_BLOCK_BYTES) return crc32(block, seed);
  const view = viewOf(block);
  if (view.getUint32(0, true) !== MAGIC) return crc32(block, seed);
  return combineCrc32(crc32(block.subarray(0, 8), seed), view.getUint32(4, true), block.length - 8);
}

export function corruptBlock(what: string): StorageError<'CORRUPTION'> {
  return new StorageError('CORRUPTION', `A block of the log ${what}.`, {});
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
