import type { Entry, EntryKind } from '../entry.ts';
import { createRandom } from './random.ts';

/** What {@link createTestEntry} may be told. */
export interface TestEntryOptions {
  /** Default: `command`. */
  readonly kind?: EntryKind;
  /** Length of the data, which is then random bytes that follow from index, term and length. Default: a short text. */
  readonly bytes?: number;
}

/** An entry whose data follows from its index and term, so that a mixed-up one is seen. */
export function createTestEntry(index: number, term: number, options: TestEntryOptions = {}): Entry {
  const data =
    options.bytes === undefined
      ? new Uint8Array(Buffer.from(`entry ${index} of term ${term}`))
      : createTestData(options.bytes, index * 31 + term);
  return { index, term, kind: options.kind ?? 'command', data };
}

/** The entries `first` to `last`, both inclusive, all of one term. */
export function createTestEntries(first: number, last: number, term: number, options: TestEntryOptions = {}): Entry[] {
  const entries: Entry[] = [];
  for (let index = first; index <= last; index++) entries.push(createTestEntry(index, term, options));
  return entries;
}

/** Random bytes that follow from `length` and `seed`. */
export function createTestData(length: number, seed: number): Uint8Array {
  return createRandom(Math.imul(seed, 2654435761) + length).bytes(length);
}
