import { describe, expect, test } from 'vitest';
import { generatePlan } from '../src/plan/generate-plan.ts';
import { runPlan } from '../src/run/run-plan.ts';

describe.each(['memory', 'file'] as const)('on the %s engine', (engine) => {
  test('a seed replays exactly', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const plan = generatePlan(seed, { engine });
      const first = await runPlan(plan);
      // Others in between: nothing of a run is left behind.
      await runPlan(generatePlan(seed + 100, { engine }));
      const second = await runPlan(plan, { keepTrace: true });
      expect(second.traceHash, `seed ${seed}`).toBe(first.traceHash);
      expect(second.figures).toEqual(first.figures);
      expect(second.trace.length).toBeGreaterThan(100);
    }
  }, 120_000);

  test('another seed is another run', async () => {
    const hashes = new Set<string>();
    for (let seed = 1; seed <= 3; seed++) hashes.add((await runPlan(generatePlan(seed, { engine }))).traceHash);
    expect(hashes.size).toBe(3);
  });
});
