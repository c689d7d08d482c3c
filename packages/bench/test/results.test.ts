import { expect, test } from 'vitest';
import { Results, type TrialRecord } from '../src/run/results.ts';
import { appendOf } from '../src/run/shapes.ts';
import { drift } from '../src/workloads/sustained-drift.ts';

const workload = appendOf(100, 1, 256);
const figure = 'entriesPerSecond';
const own = { contender: 'file', workload, figure } as const;
const other = { contender: 'etcd-wal', workload, figure } as const;

function trial(contender: 'file' | 'etcd-wal', run: number, value: number): TrialRecord {
  return { contender, workload, run, seconds: 1, result: { figures: { [figure]: value } } };
}

test('a figure is the median of its trials, with their range', () => {
  const results = new Results([trial('file', 1, 30), trial('file', 2, 10), trial('file', 3, 20)]);
  expect(results.summary(own)).toEqual({ median: 20, low: 10, high: 30 });
  const even = new Results([trial('file', 1, 30), trial('file', 2, 10)]);
  expect(even.summary(own)?.median).toBe(20);
  expect(results.summary(other)).toBeUndefined();
});

test('a ratio is one of medians; its range is that of trials of the same run', () => {
  const results = new Results([
    ...[10, 20, 60].map((value, i) => trial('file', i + 1, value)),
    ...[10, 40, 30].map((value, i) => trial('etcd-wal', i + 1, value)),
  ]);
  // 20 / 30; the runs have 1, 0.5 and 2.
  expect(results.ratio(own, other)).toEqual({ median: 20 / 30, low: 0.5, high: 2 });
});

test('a ratio without one of its sides is none, and says why', () => {
  const failed: TrialRecord = { contender: 'etcd-wal', workload, run: 1, seconds: 1, error: 'no space\nat line 3' };
  const results = new Results([trial('file', 1, 10), failed]);
  expect(results.ratio(own, other)).toBeUndefined();
  expect(results.whyNot(other)).toBe('failed: no space');
  expect(results.whyNot({ contender: 'level', workload })).toBe('not measured');
});

test('drift compares the last third with the first', () => {
  const samples = [100, 110, 90, 50, 50, 50, 80, 82, 78].map((entriesPerSecond, i) => ({
    seconds: i,
    entriesPerSecond,
    residentMiB: 100 + i,
    directoryMiB: 1000,
  }));
  expect(drift(samples)).toEqual({
    entriesPerSecond: 80,
    throughputDrift: 0.8,
    memoryGrowthMiB: 6,
    directoryGrowthMiB: 0,
    mostMemoryMiB: 108,
    mostDirectoryMiB: 1000,
  });
  expect(() => drift(samples.slice(0, 2))).toThrow('too few');
});
