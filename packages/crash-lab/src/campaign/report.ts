import type { DamageCampaignReport } from '../damage/every-damage.ts';
import type { FaultCampaignReport } from '../faults/every-fault.ts';
import type { CrashCampaignReport } from './crash-campaign.ts';

/** What came of one engine. A part that wasn't asked for is missing. */
export interface SubjectReport {
  readonly name: string;
  readonly seconds: number;
  readonly states?: CrashCampaignReport;
  readonly faults?: FaultCampaignReport;
  readonly damage?: DamageCampaignReport;
}

export function violationsOf({ states, faults, damage }: SubjectReport): number {
  return (states?.violations.length ?? 0) + (faults?.problems.length ?? 0) + (damage?.violations.length ?? 0);
}

/** A table for people. */
export function formatTable(reports: readonly SubjectReport[]): string {
  const head = ['engine', 'operations', 'crash states', 'faults', 'damages', 'blind spots', 'violations', 'seconds'];
  const rows = reports.map((report) => [
    report.name,
    number(report.states?.operations),
    number(report.states?.states),
    number(report.faults?.injected),
    number(report.damage?.damages),
    number(report.damage?.blind),
    number(violationsOf(report)),
    report.seconds.toFixed(0),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return [line(head), ...rows.map(line)].join('\n');
}

function number(value: number | undefined): string {
  return value === undefined ? '-' : value.toLocaleString('en-US');
}

/** For programs: without the contents of files. */
export function reportAsJson(
  { seed, model }: { readonly seed: number; readonly model: string },
  reports: readonly SubjectReport[],
): unknown {
  return {
    seed,
    model,
    engines: reports.map(({ states, ...rest }) => ({
      ...rest,
      ...(states === undefined
        ? {}
        : {
            states: {
              ...states,
              violations: states.violations.map(({ problem, demands, build }) => ({ problem, demands, build })),
            },
          }),
    })),
  };
}
