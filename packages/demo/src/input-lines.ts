import { readFileSync, type Stats, statSync } from 'node:fs';

/** Longer lines become several commands, so that a file without any line break can be an input too. */
const longestCommand = 1 << 20;
const largestInput = 1 << 30;
const newline = 0x0a;

/** The input can't be used; the message says why. */
export class InputError extends Error {
  override readonly name = 'InputError';
}

/** Reads a file as bytes: no encoding is assumed and nothing is changed. */
export function readInput(path: string): Uint8Array {
  const stats = statsOf(path);
  if (stats === undefined) throw new InputError(`${path} does not exist. Name a file with --input FILE.`);
  if (stats.isDirectory()) throw new InputError(`${path} is a directory. Name a file with --input FILE.`);
  if (!stats.isFile()) throw new InputError(`${path} is not a regular file.`);
  if (stats.size > largestInput) throw new InputError(`${path} is larger than 1 GiB, which the demo keeps in memory.`);
  const bytes = read(path);
  if (bytes.byteLength === 0) throw new InputError(`${path} is empty: there is nothing to persist.`);
  return bytes;
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new InputError(`${path} can't be read: ${error instanceof Error ? error.message : error}`);
  }
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new InputError(`${path} can't be read: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Cuts after each line feed, which stays with its line: all pieces one after the other are the input again, whatever its line ends,
 * with or without one at the end.
 */
export function splitLines(input: Uint8Array, longest: number = longestCommand): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < input.byteLength; ) {
    const found = input.indexOf(newline, start);
    const end = Math.min(found === -1 ? input.byteLength : found + 1, start + longest);
    lines.push(input.subarray(start, end));
    start = end;
  }
  return lines;
}
