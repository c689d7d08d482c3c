import { summarize } from '@raftlog/core/benchmark';
import type { Sample } from '../trial/task.ts';

/**
 * What has changed from the first third to the last: the median throughput as a ratio, and how much more memory and room on the disk
 * there were at most.
 */
export function drift(series: readonly Sample[]): Record<string, number> {
  const third = Math.floor(series.length / 3);
  if (third === 0) throw new RangeError(`${series.length} samples are too few to see a drift in.`);
  const [first, last] = [series.slice(0, third), series.slice(-third)];
  const median = (samples: readonly Sample[]): number =>
    summarize(samples.map(({ entriesPerSecond }) => entriesPerSecond)).median;
  const growth = (field: 'residentMiB' | 'directoryMiB'): number =>
    Math.max(...last.map((sample) => sample[field])) - Math.max(...first.map((sample) => sample[field]));
  return {
    entriesPerSecond: median(series),
    throughputDrift: median(last) / median(first),
    memoryGrowthMiB: growth('residentMiB'),
    directoryGrowthMiB: growth('directoryMiB'),
    mostMemoryMiB: Math.max(...series.map(({ residentMiB }) => residentMiB)),
    mostDirectoryMiB: Math.max(...series.map(({ directoryMiB }) => directoryMiB)),
  };
}
