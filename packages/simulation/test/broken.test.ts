import { describe, expect, test } from 'vitest';
import { allBroken, brokenNamed } from '../src/broken/all-broken.ts';
import type { Broken } from '../src/broken/broken.ts';
import { changesUnderPartition, leadersThatCrash } from '../src/broken/focused-plans.ts';
import { loadPatched } from '../src/broken/patched-packages.ts';
import { type CampaignReport, describeFailure, runCampaign, shrinkFailure } from '../src/run/campaign.ts';
import { runPlan } from '../src/run/run-plan.ts';

async function hunt({ load, ignoring = [], adapt, firstSeed = 1, seeds }: Broken): Promise<CampaignReport> {
  const run = { implementation: await load(), ignoring };
  return runCampaign({ firstSeed, seeds, plan: { engine: 'memory' }, run, ...(adapt && { adapt }) });
}

describe('each of them is caught, by an invariant that is broken by it', () => {
  test.each(allBroken)(
    '$name',
    async (broken) => {
      const { failure } = await hunt(broken);
      expect(broken.caughtBy, failure && describeFailure(failure)).toContain(failure?.result.violation?.invariant);
    },
    300_000,
  );
});

test.each([leadersThatCrash, changesUnderPartition])(
  'what is shipped stands the plans that were made for them: %s',
  async (adapt) => {
    const { failure } = await runCampaign({ firstSeed: 1, seeds: 15, plan: { engine: 'memory' }, adapt });
    expect(failure && describeFailure(failure)).toBeUndefined();
  },
  300_000,
);

test('there are enough of them, and no two of one name', () => {
  expect(allBroken.length).toBeGreaterThanOrEqual(25);
  expect(new Set(allBroken.map(({ name }) => name)).size).toBe(allBroken.length);
});

test('a failure is shrunk, and its plan replays', async () => {
  const broken = brokenNamed('sessions-not-in-snapshot');
  const { failure } = await hunt(broken);
  if (failure === undefined) throw new Error('It was not caught.');
  const run = { implementation: await broken.load() };
  const shrunk = await shrinkFailure(failure, run);
  expect(shrunk.plan.events.length).toBeLessThanOrEqual(failure.plan.events.length);
  expect(shrunk.result.violation?.invariant).toBe(failure.result.violation?.invariant);
  const again = await runPlan(shrunk.plan, run);
  expect(again.traceHash).toBe(shrunk.result.traceHash);
  expect(describeFailure(shrunk, broken.name)).toMatch(
    /violates state-machine-safety at \d+ ms[\s\S]*pnpm simulate --seeds 1 --seed \d+ [\s\S]*--broken sessions-not-in-snapshot/,
  );
}, 300_000);

test("a patch that doesn't fit the code any more is refused", async () => {
  const patch = { package: 'raft', find: 'no such line', replace: '' } as const;
  await expect(loadPatched('x', [{ ...patch, file: 'leader' }])).rejects.toThrow('not found once in leader');
  await expect(loadPatched('x', [{ ...patch, file: 'lord' }])).rejects.toThrow('has no lord');
});
