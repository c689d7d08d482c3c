import { describe, expect, test } from 'vitest';
import { describeEvent } from '../src/plan/fault-event.ts';
import { generatePlan } from '../src/plan/generate-plan.ts';
import type { RunPlan } from '../src/plan/run-plan.ts';
import { shrinkPlan } from '../src/plan/shrink.ts';

/** A plan with many events. */
function longPlan(): RunPlan {
  for (let seed = 1; ; seed++) {
    const plan = generatePlan(seed);
    if (plan.events.length >= 30) return plan;
  }
}

describe('the plan of a seed', () => {
  test('is the same every time, and another one for another seed', () => {
    expect(generatePlan(7)).toEqual(generatePlan(7));
    expect(generatePlan(7)).not.toEqual({ ...generatePlan(8), seed: 7 });
  });

  test('leaves the rest as it is where one thing is fixed', () => {
    const free = generatePlan(11);
    expect(generatePlan(11, { engine: 'file', nodes: 7 })).toEqual({ ...free, engine: 'file', nodes: 7 });
  });

  test('has every kind of fault within a few seeds', () => {
    const kinds = new Set(
      Array.from({ length: 40 }, (_, seed) => generatePlan(seed).events.map(({ fault }) => fault.kind)).flat(),
    );
    expect(kinds.size).toBe(15);
  });

  test('has events in the order of their time', () => {
    const { events } = longPlan();
    expect(events).toEqual(events.toSorted((a, b) => a.at - b.at));
    expect(describeEvent({ number: 3, at: 10.4, fault: { kind: 'transfer', pick: 5 } })).toBe(
      '#3 at 10 ms: transfer (pick 5)',
    );
  });
});

describe('shrinking', () => {
  test('leaves the events that matter, and ends soon after them', async () => {
    const plan = longPlan();
    const needed = [plan.events[4], plan.events[11]].map((event) => event!.number);
    const end = plan.events[11]!.at + 10;
    const fails = async ({ events, duration }: RunPlan): Promise<boolean> =>
      duration >= end && needed.every((number) => events.some((event) => event.number === number));
    const shrunk = await shrinkPlan(plan, fails, 1000);
    expect(shrunk.plan.events.map(({ number }) => number)).toEqual(needed);
    expect(await fails(shrunk.plan)).toBe(true);
    expect(shrunk.plan.duration).toBeLessThan(end + plan.duration / 10);
  });

  test("leaves nothing where the events don't matter", async () => {
    expect((await shrinkPlan(longPlan(), async () => true)).plan.events).toEqual([]);
  });

  test('stops after so many runs', async () => {
    const plan = longPlan();
    let runs = 0;
    const shrunk = await shrinkPlan(plan, async (candidate) => ++runs > 0 && candidate.events.length > 20, 10);
    expect(runs).toBe(10);
    expect(shrunk.runs).toBe(10);
  });
});
