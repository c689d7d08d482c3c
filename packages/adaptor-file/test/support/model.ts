import type { Random } from '@raftlog/core/conformance';
import type { Commit } from '@raftlog/kit';
import { block, headerOf } from './store.ts';

export type Model = ReadonlyMap<number, string>;

/** What a commit makes of the blocks that are there. */
export function applyToModel(model: Model, commit: Commit): Map<number, string> {
  const { removeFrom = Number.POSITIVE_INFINITY, removeThrough = Number.NEGATIVE_INFINITY, put } = commit;
  const kept = [...model].filter(([key]) => key < removeFrom && key > removeThrough);
  const next = new Map(kept);
  for (const { key, bytes } of put) next.set(key, Buffer.from(bytes).toString('latin1'));
  return new Map([...next].sort(([a], [b]) => a - b));
}

/**
 * A commit as the kit makes them: appends; cuts, with a surviving head where they go through a block; purges in steps; resets; and repairs,
 * which put a contiguous run of blocks in the middle.
 */
export function randomCommit(random: Random, model: Model, sequence: number): Commit {
  const keys = [...model.keys()];
  const low = keys[0] ?? 1;
  const high = keys.at(-1) ?? (random.chance(0.5) ? 0 : random.integer(0, 1000));
  const header = headerOf(sequence);
  const size = random.chance(0.05) ? random.integer(20_000, 90_000) : random.integer(0, 3000);
  const putAbove = (from: number, count: number): Commit['put'] => {
    let key = from;
    return Array.from({ length: count }, () => {
      key += random.integer(1, 20);
      return block(key, sequence, size);
    });
  };
  const choice = random.integer(0, 99);
  if (choice < 60 || keys.length === 0) return { sequence, put: putAbove(high, random.integer(0, 4)), header };
  if (choice < 75) {
    const removeFrom = random.integer(low, high + 3);
    const cutsThroughBlock = random.chance(0.5) && !model.has(removeFrom - 1) && removeFrom > low;
    const head = cutsThroughBlock ? [block(removeFrom - 1, sequence, size)] : [];
    return { sequence, removeFrom, put: [...head, ...putAbove(removeFrom - 1, random.integer(0, 3))], header };
  }
  if (choice < 90)
    return { sequence, removeThrough: random.integer(low, random.chance(0.1) ? high + 5 : high), put: [], header };
  if (choice < 93) return { sequence, removeFrom: 1, put: random.chance(0.5) ? putAbove(0, 2) : [], header };
  const first = random.integer(0, keys.length - 1);
  const replaced = keys.slice(first, first + random.integer(1, 3));
  return { sequence, put: replaced.map((key) => block(key, sequence, size)), header };
}
