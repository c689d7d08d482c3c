import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 (IEEE) of `bytes`, an unsigned 32-bit number; `seed` is the checksum of what comes before them. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}
