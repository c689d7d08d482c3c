import type { Comparison } from './compare-log.ts';

/** One kill, and what the log held when it was opened again. */
export interface KillReport {
  readonly number: number;
  readonly acknowledged: number;
  readonly comparison: Comparison;
}

/** What the demo did and found. */
export interface DemoReport {
  readonly lines: number;
  readonly kills: readonly KillReport[];
  readonly acknowledged: number;
  /** After the last run. */
  readonly comparison: Comparison;
  readonly inputSha256: string;
  /** While a writer had the log open. */
  readonly writingSeconds: number;
  readonly syncs: number;
  readonly bytesBeforePurge: number;
  readonly bytesAfterPurge: number;
  /** Everything that is not as it must be, in words. */
  readonly faults: readonly string[];
}

export function formatKill({ number, acknowledged, comparison }: KillReport, kills: number): string {
  const { recovered, lost } = comparison;
  return [
    `kill ${number} of ${kills}: SIGKILL with ${count(acknowledged)} acknowledged`,
    `recovered ${count(recovered)}`,
    `lost ${count(lost.length)}`,
  ].join(', ');
}

export function formatReport(report: DemoReport): string {
  const { comparison, kills } = report;
  const lost = new Set([comparison, ...kills.map((kill) => kill.comparison)].flatMap((each) => each.lost)).size;
  const rows: readonly (readonly [string, string])[] = [
    ['entries', count(report.lines)],
    ['kills', count(kills.length)],
    ['acknowledged', count(report.acknowledged)],
    ['lost', count(lost)],
    ['entries/s', count(report.lines / report.writingSeconds)],
    ['fsyncs', count(report.syncs)],
    ['SHA-256, input', report.inputSha256],
    ['SHA-256, log', comparison.sha256],
    ['disk, full log', bytes(report.bytesBeforePurge)],
    ['disk, purged', bytes(report.bytesAfterPurge)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  const verdict =
    report.faults.length === 0
      ? ['Every acknowledged line is there, and the log equals the input byte for byte.']
      : ['The log is NOT as it must be:', ...report.faults.map((fault) => `  - ${fault}`)];
  return ['', ...table, '', ...verdict].join('\n');
}

export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function bytes(value: number): string {
  if (value < 1 << 20) return `${count(value / 1024)} KiB`;
  return `${(value / 2 ** 20).toLocaleString('en-US', { maximumFractionDigits: 1 })} MiB`;
}
