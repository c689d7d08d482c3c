import { expect } from 'vitest';
import type { EngineKind } from '../../src/plan/run-plan.ts';
import { describeFailure, runCampaign, shrinkFailure } from '../../src/run/campaign.ts';

/** Runs so many seeds, and shows the smallest plan of the first one that fails. */
export async function expectNoViolation(engine: EngineKind, firstSeed: number, seeds: number): Promise<void> {
  const report = await runCampaign({ firstSeed, seeds, plan: { engine } });
  if (report.failure !== undefined) {
    const shrunk = await shrinkFailure(report.failure);
    throw new Error(`${describeFailure(report.failure)}\n\nShrunk:\n${describeFailure(shrunk)}`);
  }
  // Something did happen.
  expect(report.seeds).toBe(seeds);
  expect(report.totals.operations).toBeGreaterThan(seeds * 30);
  expect(report.totals.crashes).toBeGreaterThan(seeds);
  expect(report.totals.elections).toBeGreaterThan(seeds * 2);
  expect(report.totals.snapshots).toBeGreaterThan(seeds / 4);
}
