import { type Block, decodeBlockKey, encodeBlockKey } from '@raftlog/kit';
import { isHeader, isLarge } from './block-keys.ts';
import type { Database } from './level-blocks.ts';

/** Where to look for keys; everything, if empty. */
export interface KeyBounds {
  readonly gte?: Uint8Array;
  readonly gt?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly reverse?: boolean;
}

// What the kit makes of small entries while they are written many at a time.
const FULL_BLOCK_BYTES = 64 * 1024;

// So many small blocks are handed over and decoded without a stall of the event loop.
const MOST_AT_ONCE = 128;

/**
 * The first keys of a range, headers included. One more is asked for than there may be: an iterator of LevelDB passes over tables that it can't read and says
 * so only at its end. Keys only: what an iterator has handed over stays in memory until it is collected.
 */
export async function findKeys(database: Database, bounds: KeyBounds, limit: number): Promise<Uint8Array[]> {
  const iterator = database.keys({ ...bounds, limit });
  try {
    return await iterator.nextv(limit + 1);
  } finally {
    await iterator.close();
  }
}

/** Reads as `BlockStore.readBlocks` says. Never has more in memory than `maxBytes`, a large block, or some that are small. */
export async function readBlocks(
  database: Database,
  range: { readonly first: number; readonly last: number; readonly maxBytes: number },
  fillCache: boolean,
): Promise<Block[]> {
  const { first, last, maxBytes } = range;
  const found: Block[] = [];
  let bytes = 0;
  let bounds: KeyBounds = { gte: encodeBlockKey(first) };
  for (;;) {
    const size = bytes === 0 ? FULL_BLOCK_BYTES : bytes / found.length;
    const wanted = Math.min(Math.ceil((maxBytes - bytes) / size), MOST_AT_ONCE, last - first + 1);
    const keys = await findKeys(database, bounds, wanted);
    for (const group of groupsUpTo(last, keys)) {
      const values = await database.getMany(group, { fillCache });
      for (const [i, key] of group.entries()) {
        const value = values[i];
        // A commit has removed it since.
        if (value === undefined) continue;
        found.push({ key: decodeBlockKey(key), bytes: value });
        bytes += value.byteLength;
        if (decodeBlockKey(key) >= last || bytes >= maxBytes) return found;
      }
    }
    const end = keys.at(-1);
    if (end === undefined || keys.length < wanted) return found;
    bounds = { gt: end };
  }
}

/** The keys of blocks, through the first that reaches `last`, in groups that may be in memory together. */
function* groupsUpTo(last: number, keys: readonly Uint8Array[]): Generator<Uint8Array[], void, undefined> {
  let small: Uint8Array[] = [];
  for (const key of keys) {
    if (isHeader(key)) continue;
    if (!isLarge(key)) small.push(key);
    else {
      if (small.length > 0) yield small;
      yield [key];
      small = [];
    }
    if (decodeBlockKey(key) >= last) break;
  }
  if (small.length > 0) yield small;
}
