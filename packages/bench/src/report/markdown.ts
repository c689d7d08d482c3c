import { machineText, runsText } from '../machine.ts';
import { markdownTable } from '../table/table.ts';
import type { Report } from './report.ts';

/** The tables, for a README. */
export function markdownReport({ machine, options, tables, count, leftOut }: Report): string {
  const runs = `${runsText(options.runs)} ${machineText(machine)}.`;
  const skipped = leftOut.length === 0 ? [] : [['Left out:', '', ...leftOut.map((what) => `- ${what}`)].join('\n')];
  return `${[runs, ...tables.map(markdownTable), `${count}.`, ...skipped].join('\n\n')}\n`;
}
