#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { parseCommandLine, USAGE } from './command-line.ts';
import { describeMachine, machineText, runsText } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { buildPeers } from './peers/go-peers.ts';
import { checkDirectory, inFreshDirectory } from './place.ts';
import { htmlReport } from './report/html.ts';
import { jsonReport } from './report/json.ts';
import { markdownReport } from './report/markdown.ts';
import { makeReport, type Report } from './report/report.ts';
import { planTrials } from './run/plan.ts';
import { progressOf } from './run/progress.ts';
import { Results } from './run/results.ts';
import { runTrials } from './run/run-trials.ts';
import { plainTable } from './table/table.ts';

async function main(): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseCommandLine(process.argv.slice(2));
    if (!options.help) checkDirectory(options.directory, options.allowTmpfs);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const report = await measure(options);
  print(report);
  if (options.json !== undefined) writeFileSync(options.json, jsonReport(report));
  if (options.markdown !== undefined) writeFileSync(options.markdown, markdownReport(report));
  if (options.html !== undefined) writeFileSync(options.html, htmlReport(report));
  return report.pass ? 0 : 1;
}

async function measure(options: BenchOptions): Promise<Report> {
  const machine = await describeMachine(options.directory, options.peers);
  const peers = options.peers ? await buildPeers((text) => console.error(text)) : new Map<never, never>();
  const { trials, leftOut } = planTrials(options, peers);
  const records = await inFreshDirectory(options.directory, (parent) =>
    runTrials(trials, { options, peers, parent, progress: progressOf(trials.length) }),
  );
  return makeReport(new Results(records), options, machine, leftOut);
}

function print({ machine, options, tables, count, leftOut }: Report): void {
  const runs = `${runsText(options.runs)} ${machineText(machine)}.`;
  const skipped = leftOut.map((what) => `Left out: ${what}`);
  console.log([runs, ...tables.map(plainTable), [...skipped, `${count}.`].join('\n')].join('\n\n'));
}

process.exitCode = await main();
