/** A seeded source of random choices: the same seed, the same choices, on every machine. */
export interface Random {
  /** A number from 0 up to, but not including, 1. */
  next(): number;
  /** An integer from `low` to `high`, both inclusive. */
  integer(low: number, high: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of `items`, which is not empty. */
  pick<Item>(items: readonly Item[]): Item;
  /** Random, hence incompressible bytes. */
  bytes(length: number): Uint8Array;
}

/** A {@link Random} that starts from `seed`, of which the lower 32 bits count. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  // mulberry32: four operations a number, no state but one word, and good enough for choosing test data.
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const next = (): number => word() / 0x1_0000_0000;
  const integer = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick: (items) => {
      const index = integer(0, items.length - 1);
      if (index >= items.length || index < 0) throw new RangeError('Nothing to pick from: give at least one item.');
      return items[index] as (typeof items)[number];
    },
    bytes: (length) => {
      const words = new Uint32Array(Math.ceil(length / 4));
      for (let i = 0; i < words.length; i++) words[i] = word();
      return new Uint8Array(words.buffer, 0, length);
    },
  };
}

/** The seed that a run uses when none is given: `RAFTLOG_SEED` from the environment, to repeat a run, or a new one. */
export function defaultSeed(): number {
  const given = process.env.RAFTLOG_SEED;
  if (given === undefined || given === '') return Math.floor(Math.random() * 0x1_0000_0000);
  const seed = Number(given);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`RAFTLOG_SEED is "${given}": give a whole number, as a report printed it.`);
  }
  return seed;
}
