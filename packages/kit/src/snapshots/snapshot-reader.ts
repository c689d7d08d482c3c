import { type FileHandle, StorageError } from '@raftlog/core';
import { errorCodeOf, toStorageError } from '../io/io-errors.ts';
import {
  addToContentChecksum,
  CHUNK_BYTES,
  CHUNK_HEADER_BYTES,
  chunkChecksum,
  chunkSeed,
  contentSize,
  decodeDescriptor,
  descriptorLength,
  MAX_DESCRIPTOR_BYTES,
  MIN_DESCRIPTOR_BYTES,
  type SnapshotDescriptor,
  TRAILER_BYTES,
} from './snapshot-format.ts';

/**
 * The description of a snapshot file without a look at its content. It stands at both ends: damage to one of them does
 * not hide the snapshot. `CORRUPTION` where both are damaged.
 */
export async function describeSnapshot(file: FileHandle, path: string): Promise<SnapshotDescriptor> {
  const fileSize = await file.size();
  const end = await readEnd(file, fileSize, path);
  if (end !== undefined) return end.descriptor;
  const head = await readHead(file, path);
  if (head === undefined) throw damaged(path, 0);
  const size = contentSize(fileSize, head.bytes.byteLength);
  if (size < 0) throw damaged(path, 0);
  return { ...head.descriptor, size };
}

/** Streams the content, each chunk checked before it is delivered. Any damage to the file is `CORRUPTION`, that to its ends before the first chunk. */
export async function* readSnapshot(file: FileHandle, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const head = await readHead(file, path);
  if (head === undefined) throw damaged(path, 0);
  const fileSize = await file.size();
  const end = await readEnd(file, fileSize, path);
  const endOffset = fileSize - TRAILER_BYTES - head.bytes.byteLength;
  if (end === undefined || !sameSnapshot(head.descriptor, end.descriptor)) throw damaged(path, Math.max(0, endOffset));
  const { size } = end.descriptor;
  if (size !== contentSize(fileSize, head.bytes.byteLength)) throw damaged(path, endOffset);

  const seed = chunkSeed(head.bytes);
  let contentChecksum = 0;
  let position = head.bytes.byteLength;
  for (let delivered = 0; delivered < size; ) {
    const length = Math.min(CHUNK_BYTES, size - delivered);
    const chunk = await readAt(file, position, CHUNK_HEADER_BYTES + length, path);
    if (chunk === undefined) throw damaged(path, position);
    const view = new DataView(chunk.buffer);
    const content = chunk.subarray(CHUNK_HEADER_BYTES);
    const checksum = chunkChecksum(seed, position, content);
    if (view.getUint32(0, true) !== length || view.getUint32(4, true) !== checksum) throw damaged(path, position);
    contentChecksum = addToContentChecksum(contentChecksum, checksum);
    position += chunk.byteLength;
    delivered += length;
    if (delivered === size && contentChecksum !== end.descriptor.contentChecksum) throw damaged(path, endOffset);
    yield content;
  }
}

interface Found {
  readonly descriptor: SnapshotDescriptor;
  readonly bytes: Uint8Array;
}

async function readHead(file: FileHandle, path: string): Promise<Found | undefined> {
  const start = await readAt(file, 0, MIN_DESCRIPTOR_BYTES, path);
  return start === undefined ? undefined : readDescriptor('head', file, 0, descriptorLength(start), path);
}

async function readEnd(file: FileHandle, fileSize: number, path: string): Promise<Found | undefined> {
  const trailer = await readAt(file, fileSize - TRAILER_BYTES, TRAILER_BYTES, path);
  if (trailer === undefined) return undefined;
  const length = new DataView(trailer.buffer).getUint32(0, true);
  return readDescriptor('end', file, fileSize - TRAILER_BYTES - length, length, path);
}

async function readDescriptor(
  place: 'head' | 'end',
  file: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Found | undefined> {
  // The length may be garbage: what is allocated for it is bounded.
  if (length < MIN_DESCRIPTOR_BYTES || length > MAX_DESCRIPTOR_BYTES) return undefined;
  const bytes = await readAt(file, position, length, path);
  if (bytes === undefined) return undefined;
  const descriptor = decodeDescriptor(place, bytes, path);
  return descriptor === undefined ? undefined : { descriptor, bytes };
}

/** Exactly `length` bytes; `undefined` if the file does not have them. */
async function readAt(
  file: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Uint8Array | undefined> {
  if (position < 0) return undefined;
  const bytes = new Uint8Array(length);
  try {
    return (await file.read(bytes, position)) === length ? bytes : undefined;
  } catch (error) {
    if (errorCodeOf(error) === 'EIO') throw damaged(path, position, error);
    throw toStorageError(error, 'read a snapshot', path);
  }
}

function sameSnapshot(a: SnapshotDescriptor, b: SnapshotDescriptor): boolean {
  return (
    a.sequence === b.sequence &&
    a.lastIncluded.index === b.lastIncluded.index &&
    a.lastIncluded.term === b.lastIncluded.term &&
    a.context.byteLength === b.context.byteLength
  );
}

function damaged(path: string, offset: number, cause?: unknown): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `The snapshot ${path} is damaged at byte ${offset}. Use an older one, or have the leader send its own.`,
    { path, offset },
    cause === undefined ? {} : { cause },
  );
}
