import { grouped } from '@raftlog/core/benchmark';
import { type ContenderName, contenderLabel, databaseOf } from '../contenders/names.ts';
import type { Results } from '../run/results.ts';
import { distinct } from '../table/figure-tables.ts';
import type { AppendWorkload, NodeWorkload, Workload } from '../workloads/workload.ts';
import type { ChartSpec } from './chart.ts';
import { sustainedCharts } from './sustained-charts.ts';

/** A contender and what it did. */
interface Measured<W extends Workload> {
  readonly contender: ContenderName;
  readonly workload: W;
}

/** All charts that there is data for. */
export function makeCharts(results: Results): ChartSpec[] {
  const appends = distinct(results, 'append');
  const payload = appends[0]?.workload.payload;
  const ofPayload = appends.filter(({ workload }) => workload.payload === payload);
  const byOne = ofPayload.filter(({ workload }) => workload.callers === 1);
  return [
    batchChart(
      results,
      'throughput',
      'Throughput by batch size',
      byOne.filter(({ contender }) => databaseOf(contender) === undefined),
    ),
    batchChart(results, 'by-hand', 'Adaptors and their databases by hand', byOne.filter(besideByHand(byOne))),
    callersChart(
      results,
      'callers',
      'Single entries by the number of callers',
      ofPayload.filter(({ workload }) => workload.batch === 1),
    ),
    inFlightChart(
      results,
      ofPayload.filter(({ contender, workload }) => contender === 'file' && workload.batch > 1),
    ),
    payloadChart(
      results,
      appends.filter(({ workload }) => workload.callers === 1),
    ),
    ...[1, 1_000].map((batch) =>
      latencyChart(
        results,
        byOne.filter(({ workload }) => workload.batch === batch),
        batch,
      ),
    ),
    ...openCharts(results),
    stallChart(results),
    ...[1, 3].map((nodes) => nodeChart(results, nodes)),
    ...sustainedCharts(results),
  ].filter(
    ({ labels, series }) => labels.length > 0 && series.some(({ values }) => values.some((value) => value !== null)),
  );
}

function besideByHand(all: readonly Measured<AppendWorkload>[]): (one: Measured<AppendWorkload>) => boolean {
  const databases = new Set<string | undefined>(all.map(({ contender }) => databaseOf(contender)));
  return ({ contender }) => databaseOf(contender) !== undefined || databases.has(contender);
}

function batchChart(
  results: Results,
  id: string,
  title: string,
  measured: readonly Measured<AppendWorkload>[],
): ChartSpec {
  return {
    id,
    title,
    note: 'Durable appends, one call in flight. Both axes are logarithmic.',
    kind: 'line',
    xTitle: 'entries in a call',
    yTitle: 'entries/s',
    logarithmic: true,
    ...lines(results, measured, 'entriesPerSecond', ({ batch }) => batch),
  };
}

function callersChart(
  results: Results,
  id: string,
  title: string,
  measured: readonly Measured<AppendWorkload>[],
): ChartSpec {
  const several = measured.filter(({ contender }) =>
    measured.some((other) => other.contender === contender && other.workload.callers > 1),
  );
  return {
    id,
    title,
    note: 'Calls that arrive while the disk is at work share its next sync.',
    kind: 'line',
    xTitle: 'callers of one entry each',
    yTitle: 'entries/s',
    logarithmic: true,
    ...lines(results, several, 'entriesPerSecond', ({ callers }) => callers),
  };
}

function inFlightChart(results: Results, measured: readonly Measured<AppendWorkload>[]): ChartSpec {
  const batches = sorted(measured.map(({ workload }) => workload.batch));
  const callers = sorted(measured.map(({ workload }) => workload.callers));
  const shapes = new Map(measured.map(({ workload }) => [`${workload.batch} ${workload.callers}`, workload]));
  return {
    id: 'in-flight',
    title: 'File adaptor: throughput by calls in flight',
    note: 'What arrives while a commit is on its way is encoded meanwhile.',
    kind: 'line',
    xTitle: 'calls in flight',
    yTitle: 'entries/s',
    logarithmic: true,
    labels: callers.map(grouped),
    x: { scale: 'logarithmic', values: callers },
    series: batches.map((batch, variant) => ({
      label: `batches of ${grouped(batch)}`,
      contender: 'file',
      variant,
      values: callers.map((count) => {
        const workload = shapes.get(`${batch} ${count}`);
        return workload === undefined ? null : median(results, 'file', workload, 'entriesPerSecond');
      }),
    })),
  };
}

function payloadChart(results: Results, measured: readonly Measured<AppendWorkload>[]): ChartSpec {
  const payloads = sorted(measured.map(({ workload }) => workload.payload));
  const sizes = (batch: number): number =>
    new Set(measured.filter(({ workload }) => workload.batch === batch).map(({ workload }) => workload.payload)).size;
  // The batch that was measured with most of them, and of several the largest: not every batch of large entries is taken.
  const batch = sorted(measured.map(({ workload }) => workload.batch))
    .filter((size) => sizes(size) > 1)
    .reduceRight<number | undefined>(
      (best, size) => (best !== undefined && sizes(best) >= sizes(size) ? best : size),
      undefined,
    );
  const chosen = measured.filter(({ workload }) => workload.batch === batch);
  const { labels, x, series } = lines(results, chosen, 'entriesPerSecond', ({ payload }) => payload);
  const perSecond = (values: readonly (number | null)[]): (number | null)[] =>
    values.map((value, i) => (value === null ? null : (value * (payloads[i] ?? 0)) / 2 ** 20));
  return {
    id: 'payload',
    title: 'Throughput by size of entry',
    note: batch === undefined ? '' : `Batches of ${grouped(batch)}, one call in flight.`,
    kind: 'line',
    xTitle: 'bytes of an entry',
    yTitle: 'MiB/s',
    logarithmic: true,
    labels,
    x,
    series: batch === undefined ? [] : series.map((one) => ({ ...one, values: perSecond(one.values) })),
  };
}

function latencyChart(results: Results, measured: readonly Measured<AppendWorkload>[], batch: number): ChartSpec {
  const percentiles = [
    ['median', 'p50Ms'],
    ['99 %', 'p99Ms'],
    ['99.9 %', 'p999Ms'],
  ] as const;
  return {
    id: `latency-${batch}`,
    title: batch === 1 ? 'Latency of one entry' : `Latency of a batch of ${grouped(batch)}`,
    note: 'From the call to the acknowledgement, one call in flight. Medians over the trials.',
    kind: 'bar',
    xTitle: '',
    yTitle: 'ms',
    logarithmic: true,
    labels: percentiles.map(([label]) => label),
    // What is never written anywhere would only stretch the axis.
    series: measured
      .filter(({ contender }) => contender !== 'memory')
      .map(({ contender, workload }) => ({
        label: contenderLabel(contender),
        contender,
        variant: databaseOf(contender) === undefined ? 0 : 1,
        values: percentiles.map(([, figure]) => median(results, contender, workload, figure)),
      })),
  };
}

function openCharts(results: Results): ChartSpec[] {
  const measured = distinct(results, 'open');
  const chart = (
    id: string,
    title: string,
    yTitle: string,
    figure: string,
    logarithmic: boolean,
    note: string,
  ): ChartSpec => ({
    id,
    title,
    note,
    kind: 'line',
    xTitle: 'entries in the log',
    yTitle,
    logarithmic,
    ...lines(results, measured, figure, (workload) => ('entries' in workload ? workload.entries : 0)),
  });
  const read = 'Over the idle process, after the open, a read of the last 10,000 entries and of 100 others.';
  return [
    chart('open', 'Opening a log', 'ms', 'openMs', true, 'The first open in a fresh process; the page cache is warm.'),
    chart('open-memory', 'Memory of an open log', 'MiB', 'openMemoryMiB', false, read),
  ];
}

function stallChart(results: Results): ChartSpec {
  return {
    id: 'stall',
    title: 'Longest event-loop stall under full write load',
    note: 'Two calls in flight, making the entries included. Median over the trials of the longest of each; the line is the target.',
    kind: 'bar',
    xTitle: 'entries in a call',
    yTitle: 'ms',
    logarithmic: false,
    bound: 5,
    ...lines(results, distinct(results, 'stall'), 'stallMs', (workload) => ('batch' in workload ? workload.batch : 0)),
  };
}

function nodeChart(results: Results, nodes: number): ChartSpec {
  const measured: Measured<NodeWorkload>[] = distinct(results, 'node').filter(
    ({ workload }) => workload.nodes === nodes,
  );
  return {
    id: `nodes-${nodes}`,
    title: nodes === 1 ? 'Proposals to a single node' : `Proposals to a cluster of ${nodes}`,
    note: 'All nodes in one process, joined by memory, on the same disk.',
    kind: 'bar',
    xTitle: 'proposers',
    yTitle: 'proposals/s',
    logarithmic: true,
    ...lines(results, measured, 'proposalsPerSecond', ({ proposers }) => proposers),
  };
}

/** A series for each contender, over whatever `x` takes from the workload. */
function lines<W extends Workload>(
  results: Results,
  measured: readonly Measured<W>[],
  figure: string,
  x: (workload: W) => number,
): Required<Pick<ChartSpec, 'labels' | 'x' | 'series'>> {
  const xs = sorted(measured.map(({ workload }) => x(workload)));
  const contenders = [...new Set(measured.map(({ contender }) => contender))];
  const series = contenders.map((contender) => ({
    label: contenderLabel(contender),
    contender,
    variant: databaseOf(contender) === undefined ? 0 : 1,
    values: xs.map((value) => {
      const found = measured.find((each) => each.contender === contender && x(each.workload) === value);
      return found === undefined ? null : median(results, contender, found.workload, figure);
    }),
  }));
  return { labels: xs.map(grouped), x: { scale: 'logarithmic', values: xs }, series };
}

function median(results: Results, contender: ContenderName, workload: Workload, figure: string): number | null {
  return results.summary({ contender, workload, figure })?.median ?? null;
}

function sorted(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
