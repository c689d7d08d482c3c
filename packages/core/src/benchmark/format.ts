import type { BenchmarkRow, BenchmarkTarget, BenchmarkUnit, LeftOut } from './row.ts';
import type { BenchmarkReport } from './run-performance-tests.ts';

/** The report as text for a terminal: what ran where, the table, what was left out, and a line that counts. */
export function formatReport(report: BenchmarkReport): string {
  const { adaptor, durability, environment, sizes } = report;
  return [
    `${adaptor} (${durability}), data of ${sizes.payloadBytes} bytes, medians of ${sizes.rounds} rounds`,
    `Node ${environment.node}, ${environment.platform}, ${environment.cpus} x ${environment.cpu}`,
    '',
    formatRows(report.rows, report.leftOut),
  ].join('\n');
}

/** Rows as a table of target, measured, range, and pass or miss. */
export function formatRows(rows: readonly BenchmarkRow[], leftOut: readonly LeftOut[] = []): string {
  const head = ['', 'target', 'measured', 'lowest', 'highest', ''];
  const cells = rows.map((each) => [
    each.name,
    each.target === undefined ? '' : targetText(each.target, each.unit),
    figure(each.measured, each.unit),
    each.samples === 1 ? '' : figure(each.low, each.unit),
    each.samples === 1 ? '' : figure(each.high, each.unit),
    verdict(each),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...cells].map((line) => line[column]?.length ?? 0)));
  const lines = [head, ...cells].map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const skipped = leftOut.map(({ name, reason }) => `Left out: ${name}. ${reason}`);
  const judged = rows.filter((each) => each.pass !== undefined);
  const missed = judged.filter((each) => each.pass === false);
  const count = `${judged.length - missed.length} of ${judged.length} targets met`;
  return [...lines, '', ...skipped, missed.length === 0 ? `${count}.` : `${count}; ${missed.length} missed.`].join(
    '\n',
  );
}

function verdict({ pass }: BenchmarkRow): string {
  if (pass === undefined) return '';
  return pass ? 'pass' : 'MISS';
}

function targetText(target: BenchmarkTarget, unit: BenchmarkUnit): string {
  return `${target.kind === 'above' ? '>=' : '<'} ${figure(target.value, unit)}`;
}

function figure(value: number, unit: BenchmarkUnit): string {
  return unit === 'ratio' ? `${value.toFixed(2)} x` : `${number(value)} ${unit}`;
}

/** Three significant digits, or whole numbers in groups of three: 0.00123, 4.56, 78.9, 123,456. */
function number(value: number): string {
  return Math.abs(value) >= 100
    ? value.toLocaleString('en-US', { maximumFractionDigits: 0 })
    : value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
