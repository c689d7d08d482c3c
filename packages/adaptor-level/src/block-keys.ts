import { encodeBlockKey } from '@raftlog/kit';

// Behind the eight bytes of a block's key: nothing if it is small, otherwise a byte that says what it is.
const KIND_AT = encodeBlockKey(0).byteLength;
const LARGE = 0;
const HEADER = 1;

// The kit's blocks are no larger, unless they are of one entry.
const SMALL_BLOCK_BYTES = 128 * 1024;

/** The key of a block; it tells blocks that are too large to be read many at a time. */
export function blockKeyOf(key: number, bytes: Uint8Array): Uint8Array {
  return bytes.byteLength > SMALL_BLOCK_BYTES ? keyOf(key, LARGE) : encodeBlockKey(key);
}

/** The keys that a block may have, whatever its size. */
export function blockKeysOf(key: number): readonly Uint8Array[] {
  return [encodeBlockKey(key), keyOf(key, LARGE)];
}

/** The key of a header that lies right behind the block with this key. */
export function headerKeyOf(key: number): Uint8Array {
  return keyOf(key, HEADER);
}

export function isHeader(key: Uint8Array): boolean {
  return key[KIND_AT] === HEADER;
}

export function isLarge(key: Uint8Array): boolean {
  return key[KIND_AT] === LARGE;
}

function keyOf(key: number, kind: typeof LARGE | typeof HEADER): Uint8Array {
  return Buffer.concat([encodeBlockKey(key), Buffer.of(kind)]);
}
