import { parseCommandLine } from '../../src/command-line.ts';
import type { ContenderName, PeerName } from '../../src/contenders/names.ts';
import type { Machine } from '../../src/machine.ts';
import type { BenchOptions } from '../../src/options.ts';
import type { PeerProgram } from '../../src/peers/go-peers.ts';
import { type PlannedTrial, planTrials } from '../../src/run/plan.ts';
import { Results, type TrialRecord } from '../../src/run/results.ts';

export const PEERS: ReadonlyMap<PeerName, PeerProgram> = new Map([
  ['etcd-wal', { binary: '/nowhere/etcd-wal' }],
  ['raft-boltdb', { binary: '/nowhere/raft-boltdb' }],
]);

export const MACHINE: Machine = {
  date: '2026-01-02',
  cores: 2,
  cpu: 'Some <CPU>',
  memoryGiB: 8,
  kernel: 'Linux 6.1',
  fileSystem: 'ext4',
  node: '20.20.2',
  go: 'go1.19.8',
};

export function optionsOf(commandLine: string): BenchOptions {
  return parseCommandLine(commandLine === '' ? [] : commandLine.split(' '));
}

/** What a trial is said to have measured. */
export type Figures = (trial: PlannedTrial) => Record<string, number>;

/** Results as if everything that is planned had been run. */
export function fakeResults(options: BenchOptions, figures: Figures, peers = PEERS): Results {
  const trials: TrialRecord[] = planTrials(options, peers).trials.map((trial) => ({
    ...trial,
    seconds: 1,
    result: { figures: figures(trial), ...seriesOf(trial) },
  }));
  return new Results(trials);
}

function seriesOf({ workload }: PlannedTrial): Pick<NonNullable<TrialRecord['result']>, 'series'> {
  if (workload.kind !== 'sustained') return {};
  const at = (seconds: number) => ({ seconds, entriesPerSecond: 1000, residentMiB: 80, directoryMiB: 1100 });
  return { series: [at(5), at(10), at(15)] };
}

/** The same rates for everybody, but what `of` says. */
export function rates(of: Partial<Record<ContenderName, number>>): Figures {
  return ({ contender }) => ({
    entriesPerSecond: of[contender] ?? 1000,
    proposalsPerSecond: 500,
    p50Ms: 1,
    p99Ms: 2,
    p999Ms: 3,
    maxMs: 4,
    rangeCachedMs: 0.4,
    rangeReopenedMs: 1.5,
    entryCachedUs: 1,
    entryReopenedUs: 20,
    purgeMs: 1,
    truncateMs: 1,
    resetMs: 1,
    openMs: 30,
    entryAnywhereUs: 90,
    openMemoryMiB: 10,
    writeMemoryMiB: 20,
    readMemoryMiB: 70,
    stallMs: 3,
    makingMs: 1,
    throughputDrift: 0.95,
    memoryGrowthMiB: 1,
    directoryGrowthMiB: 0,
  });
}
