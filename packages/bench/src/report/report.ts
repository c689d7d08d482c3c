import type { Machine } from '../machine.ts';
import type { BenchOptions } from '../options.ts';
import type { Results } from '../run/results.ts';
import { comparisonRows } from '../table/comparison-rows.ts';
import { figureTables } from '../table/figure-tables.ts';
import type { Table } from '../table/table.ts';
import { countTargets, type TargetRow, targetTable } from '../table/target-row.ts';
import { fileTargetRows } from '../table/target-rows.ts';

/** All that a run of the command has to say; the outputs differ only in how they say it. */
export interface Report {
  readonly machine: Machine;
  readonly options: BenchOptions;
  readonly results: Results;
  readonly targets: readonly TargetRow[];
  /** How many targets were met. */
  readonly count: string;
  readonly tables: readonly Table[];
  /** What was asked for and not measured, and trials that failed. */
  readonly leftOut: readonly string[];
  readonly pass: boolean;
}

export function makeReport(
  results: Results,
  options: BenchOptions,
  machine: Machine,
  leftOut: readonly string[],
): Report {
  const ofFile = options.peers ? fileTargetRows(results, options) : [];
  const byHand = comparisonRows(results);
  const targets = [...ofFile, ...byHand];
  const failures = results.trials.flatMap(({ contender, workload, error }) =>
    error === undefined ? [] : [`${contender}, ${workload.kind}: ${error}`],
  );
  return {
    machine,
    options,
    results,
    targets,
    count: countTargets(targets),
    tables: [
      ...(ofFile.length === 0 ? [] : [targetTable('Targets of the file adaptor', ofFile, TARGETS_NOTE)]),
      ...(byHand.length === 0 ? [] : [targetTable('Adaptors against their databases by hand', byHand, BY_HAND_NOTE)]),
      ...figureTables(results),
    ],
    leftOut: [...leftOut, ...failures],
    pass: failures.length === 0 && targets.every(({ pass }) => pass !== false),
  };
}

const TARGETS_NOTE =
  'Ratios are between medians of this run, ranges between trials that followed each other. The limit is a bare write and fdatasync of the same bytes.';
const BY_HAND_NOTE = 'How many times as fast as the database by hand, turn and turn about in one process.';
