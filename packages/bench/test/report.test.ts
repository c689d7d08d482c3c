import { expect, test } from 'vitest';
import type { ChartSpec } from '../src/report/chart.ts';
import { makeCharts } from '../src/report/charts.ts';
import { htmlReport } from '../src/report/html.ts';
import { jsonReport } from '../src/report/json.ts';
import { markdownReport } from '../src/report/markdown.ts';
import { makeReport } from '../src/report/report.ts';
import { Results } from '../src/run/results.ts';
import { fakeResults, MACHINE, optionsOf, rates } from './support/fake-results.ts';
import { chartsIn, referencesOf } from './support/html.ts';

const options = optionsOf('--peers --sustained 10 --payloads 256,1024');
const results = fakeResults(options, rates({ file: 5000 }));

function chart(id: string): ChartSpec {
  const found = makeCharts(results).find((each) => each.id === id);
  if (found === undefined) throw new Error(`There is no chart "${id}".`);
  return found;
}

test('there is a chart of everything that was measured', () => {
  expect(makeCharts(results).map(({ id }) => id)).toEqual([
    'throughput',
    'by-hand',
    'callers',
    'in-flight',
    'payload',
    'latency-1',
    'latency-1000',
    'open',
    'open-memory',
    'stall',
    'nodes-1',
    'nodes-3',
    'sustained-entriesPerSecond',
    'sustained-residentMiB',
    'sustained-directoryMiB',
  ]);
  expect(makeCharts(new Results([]))).toEqual([]);
});

test('charts hold the medians, contender by contender', () => {
  const throughput = chart('throughput');
  expect(throughput.labels).toEqual(['1', '100', '1,000', '10,000']);
  expect(throughput.series.map(({ contender }) => contender)).toEqual([
    'limit',
    'limit-async',
    'file',
    'memory',
    'level',
    'lmdb',
    'sqlite',
    'rocksdb',
    'etcd-wal',
    'raft-boltdb',
  ]);
  expect(throughput.series.find(({ contender }) => contender === 'file')?.values).toEqual([5000, 5000, 5000, 5000]);
  expect(chart('payload').series.find(({ contender }) => contender === 'file')?.values).toEqual([
    (5000 * 256) / 2 ** 20,
    (5000 * 1024) / 2 ** 20,
  ]);
  expect(chart('in-flight').series.map(({ label }) => label)).toEqual([
    'batches of 100',
    'batches of 1,000',
    'batches of 10,000',
  ]);
});

test('the page has all data in itself and refers to nothing outside', () => {
  const html = htmlReport(makeReport(results, options, MACHINE, ['left <out>']));
  expect(referencesOf(html)).toEqual([]);
  const charts = chartsIn(html);
  expect(charts).toEqual(JSON.parse(JSON.stringify(makeCharts(results))));
  for (const { id } of charts) expect(html).toContain(`<canvas id="chart-${id}"`);
  expect(html).toContain('Some &lt;CPU&gt;');
  expect(html).toContain('<li>left &lt;out&gt;</li>');
  expect(html).toContain('<td class="pass">pass</td>');
});

test('JSON and Markdown say the same', () => {
  const report = makeReport(results, options, MACHINE, []);
  const json: unknown = JSON.parse(jsonReport(report));
  expect(json).toMatchObject({ machine: MACHINE, trials: { length: results.trials.length } });
  expect(json).toHaveProperty(
    'figures',
    expect.arrayContaining([
      {
        contender: 'file',
        workload: 'append, batches of 100, 1 in flight, 256 B',
        figure: 'entriesPerSecond',
        median: 5000,
        low: 5000,
        high: 5000,
        samples: 5,
      },
    ]),
  );
  const markdown = markdownReport(report);
  expect(markdown).toContain("| batches of 1,000, one in flight | etcd's WAL | ≥ 1 × | 5 × |  | pass |");
  expect(markdown).toContain('| file | 1 | 64 | 500 |  | 1 | 1 | 2 | 4 |');
});

test('a trial that failed is told and fails the run', () => {
  const [trial, ...others] = results.trials;
  if (trial === undefined) throw new Error('Nothing was planned.');
  const { result: _, ...without } = trial;
  const report = makeReport(new Results([{ ...without, error: 'no room' }, ...others]), options, MACHINE, []);
  expect(report.leftOut).toEqual(['limit, append: no room']);
  expect(report.pass).toBe(false);
});
