import { encodeBlockKey } from '@raftlog/kit/thread';

const BLOCK_KEY_BYTES: number = encodeBlockKey(0).byteLength;
const HEADER_SUFFIX = Buffer.from([1]);

/** Behind all blocks and headers, whose keys begin with a zero byte. */
export const BEHIND_BLOCKS: Buffer = Buffer.from([1]);

/** Key of a commit with a `removeFrom` that is under way; behind {@link BEHIND_BLOCKS}. */
export const REDO_KEY: Buffer = Buffer.from('redo');

/** Key of a header that lies directly behind the block with this key, in front of the next. */
export function headerKey(key: number): Buffer {
  return Buffer.concat([encodeBlockKey(key), HEADER_SUFFIX]);
}

export function isHeader(key: Uint8Array): boolean {
  return key.byteLength > BLOCK_KEY_BYTES;
}

/** The first key that may lie behind this one. */
export function keyBehind(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}
