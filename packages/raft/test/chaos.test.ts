import { expect, test } from 'vitest';
import { Chaos } from './support/chaos.ts';

const SEEDS = Number(process.env.RAFTLOG_SEEDS ?? 300);
const FIRST_SEED = Number(process.env.RAFTLOG_SEED ?? 1);

test(`whatever happens, the invariants hold and the cluster recovers (seeds ${FIRST_SEED} to ${FIRST_SEED + SEEDS - 1})`, () => {
  const seen = new Map<string, number>();
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const chaos = new Chaos(seed);
    try {
      chaos.run(5000);
      chaos.recover();
    } catch (cause) {
      throw new Error(`Seed ${seed} (RAFTLOG_SEED=${seed} RAFTLOG_SEEDS=1): ${String(cause)}`, { cause });
    }
    for (const [what, count] of chaos.counts) seen.set(what, (seen.get(what) ?? 0) + count);
  }
  // A test that never gets anywhere would pass as well. One seed alone, replayed, needn't see it all.
  if (SEEDS < 100) return;
  for (const what of ['proposed', 'read', 'lease', 'crash', 'membership', 'partition', 'damage'])
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(SEEDS / 10);
}, 600_000);
