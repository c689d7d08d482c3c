import type { Results } from '../run/results.ts';
import type { Sample } from '../trial/task.ts';
import type { ChartSpec } from './chart.ts';

/** What a long trial has seen on its way. */
export function sustainedCharts(results: Results): ChartSpec[] {
  return results.trials.flatMap(({ contender, workload, result }) => {
    const series = result?.series;
    if (workload.kind !== 'sustained' || series === undefined) return [];
    const chart = (field: Exclude<keyof Sample, 'seconds'>, title: string, yTitle: string): ChartSpec => ({
      id: `sustained-${field}`,
      title: `Sustained load: ${title}`,
      note: `Batches of ${workload.batch}, two calls in flight, with a purge that keeps ${workload.keepMiB} MiB.`,
      kind: 'line',
      xTitle: 'seconds',
      yTitle,
      logarithmic: false,
      labels: series.map(({ seconds }) => seconds.toFixed(seconds < 10 ? 1 : 0)),
      x: { scale: 'linear', values: series.map(({ seconds }) => seconds) },
      series: [{ label: contender, contender, variant: 0, values: series.map((sample) => sample[field]) }],
    });
    return [
      chart('entriesPerSecond', 'throughput', 'entries/s'),
      chart('residentMiB', 'memory', 'MiB'),
      chart('directoryMiB', 'directory', 'MiB'),
    ];
  });
}
