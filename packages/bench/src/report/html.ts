import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { machineText, runsText } from '../machine.ts';
import { figureText, type Table } from '../table/table.ts';
import type { ChartSpec } from './chart.ts';
import { makeCharts } from './charts.ts';
import type { Report } from './report.ts';

/** One file with everything in it: the data, the tables, the script that draws and the library that it draws with. */
export function htmlReport(report: Report): string {
  const { machine, options, results, tables, count, leftOut } = report;
  const charts = makeCharts(results);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Raftlog benchmark</title>
<style>
${asset('style.css')}</style>
</head>
<body>
<h1>Raftlog benchmark</h1>
<p>${escapeHtml(machineText(machine))}</p>
<p>${runsText(options.runs)} <span class="count">${escapeHtml(count)}.</span></p>
${leftOut.length === 0 ? '' : `<p>Left out:</p>\n<ul>\n${leftOut.map((what) => `<li>${escapeHtml(what)}</li>`).join('\n')}\n</ul>\n`}
${tables.slice(0, 1).map(tableSection).join('\n')}
<h2>Charts</h2>
<div class="charts">
${charts.map(figure).join('\n')}
</div>
${tables.slice(1).map(tableSection).join('\n')}
<script type="application/json" id="charts">${inScript(JSON.stringify(charts))}</script>
<script>
${inScript(chartLibrary())}
</script>
<script>
${asset('draw.js')}</script>
</body>
</html>
`;
}

function figure(spec: ChartSpec): string {
  return `<figure>
<figcaption><strong>${escapeHtml(spec.title)}</strong><p>${escapeHtml(spec.note)}</p></figcaption>
<div class="plot"><canvas id="chart-${spec.id}" role="img" aria-label="${escapeHtml(spec.title)}: the figures are in the table below"></canvas></div>
<details><summary>Figures</summary>${table(chartTable(spec))}</details>
</figure>`;
}

function chartTable({ title, yTitle, labels, series }: ChartSpec): Table {
  const text = (value: number | null): string => (value === null ? '–' : figureText(value));
  return { title, head: [yTitle, ...labels], rows: series.map(({ label, values }) => [label, ...values.map(text)]) };
}

function tableSection(given: Table): string {
  const note = given.note === undefined ? '' : `<p>${escapeHtml(given.note)}</p>\n`;
  return `<h2>${escapeHtml(given.title)}</h2>\n${note}${table(given)}`;
}

function table({ head, rows }: Table): string {
  const cell = (text: string): string => `<td${resultClass(text)}>${escapeHtml(text)}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  const header = head.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join('');
  return `<div class="scroll"><table>\n<thead><tr>${header}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table></div>`;
}

function resultClass(text: string): string {
  if (text === 'pass') return ' class="pass"';
  return text === 'MISS' ? ' class="miss"' : '';
}

function asset(name: string): string {
  return readFileSync(new URL(`../../report/${name}`, import.meta.url), 'utf8');
}

/** Chart.js as one script without modules, which its package has beside the entry that a program imports. */
function chartLibrary(): string {
  const entry = createRequire(import.meta.url).resolve('chart.js');
  const script = readFileSync(join(dirname(entry), 'chart.umd.min.js'), 'utf8');
  // The one reference to another file: for a debugger.
  return script.replace(/^\/\/# sourceMappingURL=.*$/m, '');
}

function inScript(text: string): string {
  return text.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
