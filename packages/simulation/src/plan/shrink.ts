import type { RunPlan } from './run-plan.ts';

/** Runs a plan; true if it fails in the way that is looked for. */
export type FailsStill = (plan: RunPlan) => Promise<boolean>;

/** What {@link shrinkPlan} made. */
export interface ShrunkPlan {
  readonly plan: RunPlan;
  /** How often a plan was run for it. */
  readonly runs: number;
}

/**
 * Makes a plan that fails smaller: fewer events (delta debugging; Zeller and Hildebrandt 2002), then an earlier end. Where no single event can be left out,
 * it is done, or when it has run `maxRuns` plans.
 */
export async function shrinkPlan(plan: RunPlan, failsStill: FailsStill, maxRuns = 150): Promise<ShrunkPlan> {
  let runs = 0;
  const fails: FailsStill = async (candidate) => {
    if (runs >= maxRuns) return false;
    runs++;
    return failsStill(candidate);
  };
  const shorter = await shortened(plan, fails);
  const fewer = await withFewerEvents(shorter, fails);
  return { plan: await shortened(fewer, fails), runs };
}

async function withFewerEvents(plan: RunPlan, fails: FailsStill): Promise<RunPlan> {
  let best = plan;
  let pieces = 2;
  while (best.events.length > 0) {
    const { events } = best;
    const size = Math.ceil(events.length / pieces);
    const smaller = await firstThatFails(
      Array.from({ length: Math.ceil(events.length / size) }, (_, piece) => ({
        ...best,
        events: [...events.slice(0, piece * size), ...events.slice((piece + 1) * size)],
      })),
      fails,
    );
    if (smaller !== undefined) {
      best = smaller;
      pieces = Math.max(2, pieces - 1);
    } else if (size === 1) {
      return best;
    } else {
      pieces = Math.min(events.length, pieces * 2);
    }
  }
  return best;
}

async function firstThatFails(candidates: readonly RunPlan[], fails: FailsStill): Promise<RunPlan | undefined> {
  for (const candidate of candidates) if (await fails(candidate)) return candidate;
  return undefined;
}

/** Ends as early as it can, to a twentieth of the time. Events after the end go with it. */
async function shortened(plan: RunPlan, fails: FailsStill): Promise<RunPlan> {
  let best = plan;
  let tooShort = 0;
  while (best.duration - tooShort > plan.duration / 20) {
    const duration = Math.ceil((tooShort + best.duration) / 2);
    const candidate = { ...plan, duration, events: plan.events.filter(({ at }) => at < duration) };
    if (await fails(candidate)) best = candidate;
    else tooShort = duration;
  }
  return best;
}
