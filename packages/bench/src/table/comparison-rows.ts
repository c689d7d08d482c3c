import { summarize } from '@raftlog/core/benchmark';
import type { Results, TrialRecord } from '../run/results.ts';
import { type TargetRow, targetRow } from './target-row.ts';

/** Each adaptor against its database by hand: the ratios that the adaptor's own `compare` demands. */
export function comparisonRows(results: Results): TargetRow[] {
  return results.trials.filter(({ workload }) => workload.kind === 'comparison').flatMap(rowsOf);
}

function rowsOf({ contender, result, error }: TrialRecord): TargetRow[] {
  const against = `${contender} by hand`;
  if (result?.rows === undefined) {
    const work = `${contender}: all ratios`;
    return [targetRow({ work, against, unit: '×', target: undefined }, `failed: ${error?.split('\n')[0] ?? ''}`)];
  }
  let work = '';
  const rows: TargetRow[] = [];
  for (const row of result.rows) {
    // The ratio of a pair comes after both; the adaptor's own figure has the name of the work.
    if (row.unit !== 'ratio') work = row.name.startsWith(' ') ? work : row.name;
    else {
      const { measured: median, low, high } = row;
      const found = { ...summarize([low, high]), median };
      rows.push(targetRow({ work: `${contender}: ${work}`, against, unit: '×', target: row.target }, found));
    }
  }
  return rows;
}
