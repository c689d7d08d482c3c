import { NO_FILE_IO } from './cases/power-cut-explorer.ts';
import type { CaseResult, SuiteReport } from './suite.ts';

/** The report as text for people: a line per case, the failures in full, the counts, and what was left untried that nothing else can prove. */
export function formatReport(report: SuiteReport): string {
  const lines = [
    `Conformance of ${report.adaptor}, level ${report.level} of ${report.suiteLevel}, seed ${report.seed}`,
  ];
  let area = '';
  for (const result of report.results) {
    if (result.area !== area) {
      area = result.area;
      lines.push('', area);
    }
    lines.push(lineOf(result));
  }
  for (const { error } of report.results) {
    if (error === undefined) continue;
    const { cause } = error;
    lines.push('', `FAILED ${error.message}`, indent(cause instanceof Error ? (cause.stack ?? cause.message) : ''));
  }
  const seconds = (report.durationMs / 1000).toFixed(1);
  lines.push('', `${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped in ${seconds} s`);
  // A killed process leaves the page cache: an engine that never syncs stands every other case.
  if (report.results.some(({ reason }) => reason === NO_FILE_IO)) {
    lines.push('durability under power cuts: not tried (no FileIo); count the syncs by system call instead');
  }
  lines.push('');
  return lines.join('\n');
}

function lineOf({ status, id, title, reason, durationMs }: CaseResult): string {
  if (status === 'skipped') return `  - ${id}: ${title} (skipped: ${reason})`;
  const time = durationMs < 100 ? '' : ` (${Math.round(durationMs)} ms)`;
  return `  ${status === 'passed' ? '✓' : '✗'} ${id}: ${title}${time}`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
