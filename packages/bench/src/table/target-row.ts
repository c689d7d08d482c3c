import type { BenchmarkTarget, Summary } from '@raftlog/core/benchmark';
import { figureText, rangeText, type Table } from './table.ts';

export type TargetUnit = '×' | 'ms' | 'µs' | 'MiB';

/** Something that is demanded, and what was found. */
export interface TargetRow {
  readonly work: string;
  /** What it is compared with; empty where the figure itself is held against the target. */
  readonly against: string;
  readonly unit: TargetUnit;
  /** `undefined`: nothing is demanded, it is only told. */
  readonly target: BenchmarkTarget | undefined;
  readonly measured: Summary | undefined;
  /** `undefined` where there is nothing to judge. */
  readonly pass: boolean | undefined;
  /** Why nothing was measured. */
  readonly missing: string | undefined;
}

export function atLeast(value: number): BenchmarkTarget {
  return { kind: 'above', value };
}

export function under(value: number): BenchmarkTarget {
  return { kind: 'below', value };
}

/** The row for what was measured, or for why it wasn't. */
export function targetRow(
  row: Pick<TargetRow, 'work' | 'against' | 'unit' | 'target'>,
  found: Summary | string,
): TargetRow {
  if (typeof found === 'string') return { ...row, measured: undefined, pass: undefined, missing: found };
  return { ...row, measured: found, pass: row.target && meets(found.median, row.target), missing: undefined };
}

function meets(measured: number, { kind, value }: BenchmarkTarget): boolean {
  return kind === 'above' ? measured >= value : measured < value;
}

export function targetTable(title: string, rows: readonly TargetRow[], note?: string): Table {
  const cells = rows.map(({ work, against, unit, target, measured, pass, missing }) => [
    work,
    against,
    target === undefined ? '' : `${target.kind === 'above' ? '≥' : '<'} ${figureText(target.value)} ${unit}`,
    measured === undefined ? '–' : `${figureText(measured.median)} ${unit}`,
    measured === undefined ? '' : rangeText(measured),
    missing ?? (pass === undefined ? '' : pass ? 'pass' : 'MISS'),
  ]);
  return {
    title,
    ...(note === undefined ? {} : { note }),
    head: ['work', 'against', 'target', 'measured', 'range', 'result'],
    rows: cells,
  };
}

/** "12 of 14 targets met; 2 missed; 3 not measured." */
export function countTargets(rows: readonly TargetRow[]): string {
  const wanted = rows.filter(({ target }) => target !== undefined);
  if (wanted.length === 0) return 'No targets in this run';
  const met = wanted.filter(({ pass }) => pass === true).length;
  const missed = wanted.filter(({ pass }) => pass === false).length;
  const open = wanted.length - met - missed;
  return [
    `${met} of ${wanted.length} targets met`,
    ...(missed === 0 ? [] : [`${missed} missed`]),
    ...(open === 0 ? [] : [`${open} not measured`]),
  ].join('; ');
}
