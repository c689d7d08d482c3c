import { createRandom } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { describeOnOwnDisk, describeUnderStrace } from '../describe-where-possible.ts';
import type { MakeBuilder } from '../place.ts';
import { type FailingDiskOptions, type FailingDiskReport, runOnFailingDisk, runOnFullDisk } from './failing-disk.ts';

export interface DescribeFailingDiskOptions extends FailingDiskOptions {
  /** Chooses the calls that fail and the workloads. Default: 1. */
  readonly seed?: number;
  /** Runs for each of the two faults of calls. Default: 7. */
  readonly runs?: number;
  /** The driver is known to report success for some call that failed: then that has to be seen, so that a change in it is noticed. Default: false. */
  readonly swallows?: boolean;
}

/**
 * Registers tests, with vitest, of an engine whose disk fails: from some fsync on (`sync-fails`), from some fsync or positioned write on
 * (`device-fails`), and when it is full. The call that meets it rejects with `STORE_FAILED`, `failure` fires, later writes reject, nothing
 * more is written, `close` resolves; opened again, the engine has everything that it acknowledged, and goes on. What can't be tried here
 * is skipped and says so; with `RAFTLOG_CI=full` it fails.
 */
export function describeFailingDisk(
  name: string,
  makeBuilder: MakeBuilder,
  options: DescribeFailingDiskOptions = {},
): void {
  const { seed = 1, runs = 7, swallows = false } = options;
  describeUnderStrace(`${name} on a failing disk`, () => {
    const reports: FailingDiskReport[] = [];
    for (const fault of ['sync-fails', 'device-fails'] as const) {
      test.each(failingCalls(seed, runs))(`${fault} from call %i on`, { timeout: 120_000 }, async (from) => {
        const report = await runOnFailingDisk(makeBuilder, fault, from, seed + from, options);
        reports.push(report);
        expect(report.problems).toEqual([]);
        if (!swallows) expect(report.swallowed, 'resolved although these calls of theirs had failed').toEqual([]);
      });
    }
    test('the disk failed in the middle of the work', () => {
      const isMet = ({ met, rejected }: FailingDiskReport): boolean => met && rejected?.startsWith('open ') !== true;
      expect(reports.filter(isMet).length).toBeGreaterThan(0);
      if (swallows) expect(reports.some(({ swallowed }) => swallowed.length > 0)).toBe(true);
    });
  });

  describeOnOwnDisk(`${name} on a full disk`, () => {
    test.each([seed, seed + 1])('seed %i', { timeout: 180_000 }, async (workload) => {
      const { met, problems } = await runOnFullDisk(makeBuilder, workload, options);
      expect(problems).toEqual([]);
      expect(met, 'the disk was full at last').toBe(true);
    });
  });
}

/** Numbers of calls, from the first, which hits the creation of the store, to the hundredth or so, ever wider apart. */
function failingCalls(seed: number, runs: number): number[] {
  const random = createRandom(seed);
  const calls = new Set<number>();
  for (let run = 0; run < runs; run++) {
    const lowest = Math.floor(120 ** (run / runs));
    let call = random.integer(lowest, Math.max(lowest, Math.floor(120 ** ((run + 1) / runs))));
    while (calls.has(call)) call++;
    calls.add(call);
  }
  return [...calls];
}
