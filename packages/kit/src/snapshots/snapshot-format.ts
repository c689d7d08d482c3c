import { type LogId, StorageError } from '@raftlog/core';
import { crc32 } from '../format/checksum.ts';
import { MAX_CONTEXT_BYTES } from './snapshot-arguments.ts';

/** Bytes of content in every chunk but the last. */
export const CHUNK_BYTES: number = 256 * 1024;

/** Length (4) and checksum (4) before the content of a chunk. */
export const CHUNK_HEADER_BYTES = 8;

/** What closes the file: the length of the end descriptor, so that it is found from behind. */
export const TRAILER_BYTES = 4;

const MAGIC = { head: 'RLSNAPSH', end: 'RLSNAPND' };
const FORMAT_VERSION = 1;
const CHECKSUM_OFFSET = 12;
const CONTEXT_OFFSET = 56;

/** The description at either end of a snapshot file; at the head `size` and `contentChecksum` are still 0. */
export interface SnapshotDescriptor {
  readonly lastIncluded: LogId;
  /** Rises with every save: the order among snapshots of the same entry. */
  readonly sequence: number;
  readonly context: Uint8Array;
  readonly size: number;
  /** Over the checksums of all chunks. */
  readonly contentChecksum: number;
}

/** Smallest and largest length that a descriptor can have. */
export const MIN_DESCRIPTOR_BYTES: number = CONTEXT_OFFSET;
export const MAX_DESCRIPTOR_BYTES: number = CONTEXT_OFFSET + MAX_CONTEXT_BYTES;

/** Length of the descriptor that starts with these {@link MIN_DESCRIPTOR_BYTES}, as far as it can be believed. */
export function descriptorLength(start: Uint8Array): number {
  const { byteOffset, byteLength } = start;
  return CONTEXT_OFFSET + new DataView(start.buffer, byteOffset, byteLength).getUint32(48, true);
}

/** Layout: magic (8), version (4), checksum of all else (4), index (8), term (8), sequence (8), size (8), length of the context (4), content checksum (4), context. Little-endian. */
export function encodeDescriptor(place: 'head' | 'end', descriptor: SnapshotDescriptor): Uint8Array {
  const { lastIncluded, sequence, context, size, contentChecksum } = descriptor;
  const bytes = new Uint8Array(CONTEXT_OFFSET + context.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(MAGIC[place], 'latin1'));
  view.setUint32(8, FORMAT_VERSION, true);
  view.setBigUint64(16, BigInt(lastIncluded.index), true);
  view.setBigUint64(24, BigInt(lastIncluded.term), true);
  view.setBigUint64(32, BigInt(sequence), true);
  view.setBigUint64(40, BigInt(size), true);
  view.setUint32(48, context.byteLength, true);
  view.setUint32(52, contentChecksum, true);
  bytes.set(context, CONTEXT_OFFSET);
  view.setUint32(CHECKSUM_OFFSET, checksumOf(bytes), true);
  return bytes;
}

/** `undefined` if it is damaged. Throws `UNSUPPORTED_FORMAT` for an intact one of another version. */
export function decodeDescriptor(
  place: 'head' | 'end',
  bytes: Uint8Array,
  path: string,
): SnapshotDescriptor | undefined {
  if (bytes.byteLength < CONTEXT_OFFSET) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (Buffer.from(bytes.buffer, bytes.byteOffset, 8).toString('latin1') !== MAGIC[place]) return undefined;
  if (view.getUint32(CHECKSUM_OFFSET, true) !== checksumOf(bytes)) return undefined;
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION) {
    throw new StorageError(
      'UNSUPPORTED_FORMAT',
      `The snapshot ${path} has format version ${version}, this release reads ${FORMAT_VERSION}. Read it with the release that wrote it, or a newer one.`,
      { path, found: version, supported: [FORMAT_VERSION] },
    );
  }
  return {
    lastIncluded: { index: Number(view.getBigUint64(16, true)), term: Number(view.getBigUint64(24, true)) },
    sequence: Number(view.getBigUint64(32, true)),
    context: bytes.slice(CONTEXT_OFFSET),
    size: Number(view.getBigUint64(40, true)),
    contentChecksum: view.getUint32(52, true),
  };
}

/** Size of the content of a whole file, from the lengths of the file and of its descriptors. */
export function contentSize(fileSize: number, descriptorBytes: number): number {
  const chunks = fileSize - 2 * descriptorBytes - TRAILER_BYTES;
  return chunks - Math.ceil(chunks / (CHUNK_BYTES + CHUNK_HEADER_BYTES)) * CHUNK_HEADER_BYTES;
}

/** What all chunks of a file mix into their checksums: the checksum of its head. A chunk of another snapshot is not taken for one of this. */
export function chunkSeed(head: Uint8Array): number {
  return new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(CHECKSUM_OFFSET, true);
}

/** Checksum of a chunk's content: also over its place in the file, so that a write that went astray is seen. */
export function chunkChecksum(seed: number, offset: number, content: Uint8Array): number {
  const place = new Uint8Array(12);
  const view = new DataView(place.buffer);
  view.setUint32(0, seed, true);
  view.setBigUint64(4, BigInt(offset), true);
  return crc32(content, crc32(place));
}

/** {@link SnapshotDescriptor.contentChecksum} with one more chunk. */
export function addToContentChecksum(contentChecksum: number, checksum: number): number {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, checksum, true);
  return crc32(bytes, contentChecksum);
}

function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes.subarray(CHECKSUM_OFFSET + 4), crc32(bytes.subarray(0, CHECKSUM_OFFSET)));
}
