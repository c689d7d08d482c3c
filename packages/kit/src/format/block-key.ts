const BLOCK_KEY_BYTES = 8;

/**
 * The key of a block for a store whose keys are bytes: big-endian, so that the order of the bytes is the order of the numbers, beyond 2^32 too.
 * The first byte is always 0: a name in ASCII beside the blocks, such as that of the header, sorts behind all of them.
 */
export function encodeBlockKey(key: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_KEY_BYTES);
  bytes.writeBigUInt64BE(BigInt(key));
  return bytes;
}

/** The number that {@link encodeBlockKey} encoded. */
export function decodeBlockKey(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4);
}
