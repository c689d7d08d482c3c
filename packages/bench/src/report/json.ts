import { summarize } from '@raftlog/core/benchmark';
import { distinct } from '../table/figure-tables.ts';
import { type Workload, workloadName } from '../workloads/workload.ts';
import type { Report } from './report.ts';

/** Everything: each trial, what they come to, the tables' rows and where it was measured. */
export function jsonReport({ machine, options, results, targets, leftOut, pass }: Report): string {
  const kinds = [...new Set(results.trials.map(({ workload }) => workload.kind))];
  const figures = kinds.flatMap((kind) => distinct(results, kind)).flatMap((each) => summaries(results, each));
  return `${JSON.stringify({ machine, options, pass, targets, leftOut, figures, trials: results.trials }, null, 2)}\n`;
}

function summaries(
  results: Report['results'],
  { contender, workload }: { contender: Report['results']['trials'][number]['contender']; workload: Workload },
): object[] {
  const trials = results.of(contender, workload);
  const names = new Set(trials.flatMap(({ result }) => Object.keys(result?.figures ?? {})));
  return [...names].map((figure) => {
    const samples = trials.flatMap(({ result }) => result?.figures[figure] ?? []);
    return { contender, workload: workloadName(workload), figure, ...summarize(samples), samples: samples.length };
  });
}
