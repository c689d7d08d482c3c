import { describeEvent } from '../plan/fault-event.ts';
import { generatePlan, type PlanOptions } from '../plan/generate-plan.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import { shrinkPlan } from '../plan/shrink.ts';
import type { RunOptions } from './run-options.ts';
import { type RunFigures, type RunResult, runPlan } from './run-plan.ts';

/** Options of {@link runCampaign}. */
export interface CampaignOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly plan?: PlanOptions;
  readonly run?: RunOptions;
  /** Changes each plan before it is run. */
  readonly adapt?: (plan: RunPlan) => RunPlan;
  /** Run every seed twice; a difference counts as a failure. */
  readonly twice?: boolean;
  readonly onProgress?: (done: number, totals: RunFigures) => void;
}

/** A seed that failed. */
export interface Failure {
  readonly plan: RunPlan;
  readonly result: RunResult;
}

/** What a campaign did. */
export interface CampaignReport {
  readonly seeds: number;
  readonly totals: RunFigures;
  /** The first seed that failed, at which the campaign ends. */
  readonly failure: Failure | undefined;
  /** A seed whose two runs differed. */
  readonly undetermined: number | undefined;
}

const NOTHING: RunFigures = {
  operations: 0,
  crashes: 0,
  elections: 0,
  snapshots: 0,
  committed: 0,
  steps: 0,
  virtualMs: 0,
};

/** Runs one seed after the other, until one fails. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { firstSeed, seeds, plan: planOptions, run = {}, adapt = (plan) => plan } = options;
  let totals = NOTHING;
  for (let done = 0; done < seeds; done++) {
    const plan = adapt(generatePlan(firstSeed + done, planOptions));
    const result = await runPlan(plan, run);
    totals = sum(totals, result.figures);
    const report = { seeds: done + 1, totals, failure: undefined, undetermined: undefined };
    if (result.violation !== undefined) return { ...report, failure: { plan, result } };
    if (options.twice === true && (await runPlan(plan, run)).traceHash !== result.traceHash) {
      return { ...report, undetermined: plan.seed };
    }
    options.onProgress?.(done + 1, totals);
  }
  return { seeds, totals, failure: undefined, undetermined: undefined };
}

/** Makes the plan of a failure smaller, as long as the same invariant is broken. */
export async function shrinkFailure({ plan, result }: Failure, run: RunOptions = {}): Promise<Failure> {
  const invariant = result.violation?.invariant;
  const shrunk = await shrinkPlan(plan, async (candidate) => {
    return (await runPlan(candidate, run)).violation?.invariant === invariant;
  });
  return { plan: shrunk.plan, result: await runPlan(shrunk.plan, { ...run, keepTrace: true }) };
}

/** What failed, and how to see it again. */
export function describeFailure({ plan, result }: Failure, broken?: string): string {
  const { violation } = result;
  return [
    `Seed ${plan.seed} violates ${violation?.invariant} at ${Math.round(violation?.at ?? 0)} ms:`,
    violation?.message ?? '',
    `The plan: ${plan.nodes} nodes on ${plan.engine} storage, ${plan.duration} ms, ${plan.events.length} events.`,
    ...plan.events.map((event) => `  ${describeEvent(event)}`),
    `To replay: ${replayCommand(plan, broken)}`,
  ].join('\n');
}

function replayCommand({ seed, engine, nodes, events, duration }: RunPlan, broken: string | undefined): string {
  const kept = events.length === 0 ? 'none' : events.map(({ number }) => number).join(',');
  const command = `pnpm simulate --seeds 1 --seed ${seed} --nodes ${nodes} --engine ${engine} --events ${kept} --duration ${duration}`;
  return broken === undefined ? command : `${command} --broken ${broken}`;
}

function sum(a: RunFigures, b: RunFigures): RunFigures {
  return {
    operations: a.operations + b.operations,
    crashes: a.crashes + b.crashes,
    elections: a.elections + b.elections,
    snapshots: a.snapshots + b.snapshots,
    committed: a.committed + b.committed,
    steps: a.steps + b.steps,
    virtualMs: a.virtualMs + b.virtualMs,
  };
}
