#!/usr/bin/env node
import { brokenNamed } from './broken/all-broken.ts';
import { parseCommandLine, type SimulateOptions, USAGE } from './command-line.ts';
import { generatePlan } from './plan/generate-plan.ts';
import type { RunPlan } from './plan/run-plan.ts';
import { type CampaignReport, describeFailure, runCampaign, shrinkFailure } from './run/campaign.ts';
import type { RunOptions } from './run/run-options.ts';
import { type RunFigures, runPlan } from './run/run-plan.ts';

// Kept: a run puts the virtual time in its place.
const now = performance.now.bind(performance);

/** The part of the plan that was asked for, on the kind of cluster that what is broken takes. */
function adapted(given: RunPlan, { events, broken, duration = given.duration }: SimulateOptions): RunPlan {
  const plan = broken === undefined ? given : (brokenNamed(broken).adapt?.(given) ?? given);
  const chosen = plan.events.filter(({ number, at }) => at < duration && (events?.includes(number) ?? true));
  return { ...plan, duration, events: chosen };
}

async function printTrace(options: SimulateOptions, run: RunOptions): Promise<number> {
  const plan = adapted(generatePlan(options.firstSeed, options.plan), options);
  const result = await runPlan(plan, { ...run, keepTrace: true });
  console.log(result.trace.join('\n'));
  if (result.violation === undefined) return 0;
  console.log(describeFailure({ plan, result }, options.broken));
  return 1;
}

async function campaign(options: SimulateOptions, run: RunOptions): Promise<number> {
  const began = now();
  let shown = began;
  const report = await runCampaign({
    firstSeed: options.firstSeed,
    seeds: options.seeds,
    plan: options.plan,
    run,
    adapt: (plan) => adapted(plan, options),
    twice: options.twice,
    onProgress: (done, totals) => {
      if (now() - shown < 1000) return;
      shown = now();
      showProgress(done, options.seeds, totals, (shown - began) / 1000);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  console.log(figures(report, (now() - began) / 1000));
  return judge(report, options, run);
}

async function judge(
  { failure, undetermined }: CampaignReport,
  options: SimulateOptions,
  run: RunOptions,
): Promise<number> {
  if (undetermined !== undefined) {
    console.error(`Two runs of seed ${undetermined} differ: something is not decided by the seed.`);
    return 1;
  }
  if (failure === undefined) return 0;
  console.error(describeFailure(failure, options.broken));
  console.error('Shrinking it ...');
  console.error(describeFailure(await shrinkFailure(failure, run), options.broken));
  return 1;
}

function showProgress(done: number, seeds: number, totals: RunFigures, seconds: number): void {
  if (!process.stderr.isTTY) return;
  const rate = (done / seconds).toFixed(1);
  process.stderr.write(
    `\r\x1b[K${done} of ${seeds} seeds, ${rate} a second, ${totals.operations} operations, 0 violations`,
  );
}

function figures({ seeds, totals, failure }: CampaignReport, seconds: number): string {
  const rows: readonly [string, number | string][] = [
    ['seeds', seeds],
    ['seeds a second', (seeds / seconds).toFixed(1)],
    ['operations of clients', totals.operations],
    ['entries committed', totals.committed],
    ['elections', totals.elections],
    ['crashes', totals.crashes],
    ['snapshots installed', totals.snapshots],
    ['steps', totals.steps],
    ['virtual hours', (totals.virtualMs / 3_600_000).toFixed(2)],
    ['violations', failure === undefined ? 0 : 1],
  ];
  return rows.map(([name, value]) => `${name.padEnd(24)}${String(value).padStart(12)}`).join('\n');
}

async function main(): Promise<number> {
  let options: SimulateOptions;
  let run: RunOptions;
  try {
    options = parseCommandLine(process.argv.slice(2));
    run = await runOptionsFor(options);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  return options.trace ? printTrace(options, run) : campaign(options, run);
}

async function runOptionsFor({ broken }: SimulateOptions): Promise<RunOptions> {
  if (broken === undefined) return {};
  const { load, ignoring = [] } = brokenNamed(broken);
  return { implementation: await load(), ignoring };
}

process.exitCode = await main();
