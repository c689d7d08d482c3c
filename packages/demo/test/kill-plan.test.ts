import { describe, expect, it } from 'vitest';
import { planKills } from '../src/kill-plan.ts';

describe('planKills', () => {
  it('puts one kill into each part of the input, before its end', () => {
    for (let seed = 0; seed < 200; seed++) {
      const plan = planKills(1_000, 4, seed);
      expect(plan).toHaveLength(4);
      for (const [i, at] of plan.entries()) {
        expect(at).toBeGreaterThanOrEqual(i * 250);
        expect(at).toBeLessThan((i + 1) * 250);
      }
    }
  });

  it('goes by its seed', () => {
    expect(planKills(1_000, 4, 5)).toEqual(planKills(1_000, 4, 5));
    expect(planKills(1_000, 4, 5)).not.toEqual(planKills(1_000, 4, 6));
  });

  it('copes with more kills than lines', () => {
    expect(planKills(1, 3, 9)).toEqual([0, 0, 0]);
    expect(planKills(10, 0, 9)).toEqual([]);
  });
});
