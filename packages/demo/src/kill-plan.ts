/** At how many acknowledged lines each kill is due: one in each of `kills` equal parts of the input, at a random place in it. */
export function planKills(lines: number, kills: number, seed: number): number[] {
  const random = mulberry32(seed);
  return Array.from({ length: kills }, (_, i) => Math.floor((lines * (i + random())) / kills));
}

/** A small generator with a seed; not for secrets. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
