import { crc32 } from './checksum.ts';

/** Size of a sealed block: a page of the file system, so that writing one never makes the kernel read first. */
export const SEALED_BLOCK_BYTES = 4096;

/** Where the fields of a kind of block start: behind magic (8), format version (4) and checksum (4). */
const FIELDS_OFFSET = 16;
const CHECKSUM_OFFSET = 12;

/** A block that was read whole and intact. */
export interface SealedBlock {
  readonly version: number;
  /** Its fields. */
  readonly fields: DataView;
}

/**
 * A block of {@link SEALED_BLOCK_BYTES} with magic and checksum: `fill` writes its fields, the rest is zeros. Small
 * fields lie in the first 512 bytes together with the checksum: one sector, which disks write whole.
 */
export function sealBlock(magic: string, version: number, fill: (fields: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(SEALED_BLOCK_BYTES);
  bytes.set(Buffer.from(magic, 'latin1'));
  const view = new DataView(bytes.buffer);
  view.setUint32(8, version, true);
  fill(new DataView(bytes.buffer, FIELDS_OFFSET));
  view.setUint32(CHECKSUM_OFFSET, checksumOf(bytes), true);
  return bytes;
}

/** The block in `bytes`; `undefined` if it is damaged, cut short or of another kind. Every format version keeps magic, version and checksum where they are. */
export function unsealBlock(magic: string, bytes: Uint8Array): SealedBlock | undefined {
  if (bytes.byteLength !== SEALED_BLOCK_BYTES) return undefined;
  if (Buffer.from(bytes.buffer, bytes.byteOffset, 8).toString('latin1') !== magic) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(CHECKSUM_OFFSET, true) !== checksumOf(bytes)) return undefined;
  const fields = new DataView(bytes.buffer, bytes.byteOffset + FIELDS_OFFSET, SEALED_BLOCK_BYTES - FIELDS_OFFSET);
  return { version: view.getUint32(8, true), fields };
}

function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes.subarray(FIELDS_OFFSET), crc32(bytes.subarray(0, CHECKSUM_OFFSET)));
}
