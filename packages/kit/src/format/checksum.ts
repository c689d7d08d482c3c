import { crc32 as zlibCrc32 } from 'node:zlib';

/** CRC-32 (IEEE) of `bytes`, an unsigned 32-bit number; `seed` is the checksum of what comes before them. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}

// x^32 + x^26 + x^23 + ... + 1, bit-reversed, as CRC-32 has it; and x^(2^k) modulo it for k from 0 on.
const POLYNOMIAL = 0xedb8_8320;
const ONE = 0x8000_0000;
const POWERS_OF_X: readonly number[] = powersOfX(0x4000_0000);

/**
 * CRC-32 of two pieces, one behind the other, from those of each and the length of the second: no byte is looked at. `first` is multiplied by x^(8 * length), which is
 * what so many bytes do to it, and the second's own is added (zlib's `crc32_combine`, which Node doesn't hand out).
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  let shift = ONE;
  // From x^8 on: a byte has eight bits.
  for (let rest = secondBytes, k = 3; rest > 0; rest = Math.floor(rest / 2), k++) {
    if (rest % 2 === 1) shift = multiply(POWERS_OF_X[k % POWERS_OF_X.length] ?? ONE, shift);
  }
  return (multiply(shift, first) ^ second) >>> 0;
}

/** The product of two polynomials over GF(2), modulo CRC-32's. The highest bit is the coefficient of x^0. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bits = a | 0; bits !== 0; bits <<= 1) {
    if (bits < 0) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}

// The order of x divides 2^32 - 1, so that x^(2^32) is x again: 32 of them are all.
function powersOfX(x: number): number[] {
  const powers = [x];
  for (let k = 1; k < 32; k++) {
    const last = powers[k - 1] ?? x;
    powers.push(multiply(last, last));
  }
  return powers;
}
