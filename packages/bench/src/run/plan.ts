import { grouped } from '@raftlog/core/benchmark';
import { ADAPTORS } from '../contenders/adaptors.ts';
import {
  type AdaptorName,
  type ContenderName,
  type DatabaseName,
  isDatabase,
  LIMIT_NAMES,
  type PeerName,
} from '../contenders/names.ts';
import type { BenchOptions } from '../options.ts';
import type { PeerProgram } from '../peers/go-peers.ts';
import { type AppendWorkload, type Workload, workloadName } from '../workloads/workload.ts';
import {
  appendOf,
  CLUSTER_SIZES,
  cutOf,
  HUNDRED_MILLION,
  MEMORY_BATCHES,
  mainPayload,
  memoryOf,
  nodeOf,
  openOf,
  PROPOSERS,
  readOf,
  STALL_BATCHES,
  stallOf,
  sustainedOf,
} from './shapes.ts';

/** Of all calls in flight together: what an engine lets wait is 64 MiB. */
const mostPendingBytes = 48 << 20;

/** A trial to be run. */
export interface PlannedTrial {
  readonly contender: ContenderName;
  readonly workload: Workload;
  /** From 1 on; trials of the same run are the ones that are compared first. */
  readonly run: number;
}

export interface Plan {
  /** In the order in which they are to run. */
  readonly trials: readonly PlannedTrial[];
  /** What was asked for and can't be done, in sentences. */
  readonly leftOut: readonly string[];
}

/** Contenders that do the same work, to be run one after the other. */
interface Heat {
  readonly workload: Workload;
  readonly contenders: readonly ContenderName[];
}

/** All trials. Each run goes through all heats, A B C and again A B C, so that a slow hour of the machine meets everybody. */
export function planTrials(options: BenchOptions, peers: ReadonlyMap<PeerName, PeerProgram>): Plan {
  const leftOut = [...peers.values()].flatMap((program) => ('missing' in program ? [program.missing] : []));
  const heats = [
    ...appendHeats(options, peers, leftOut),
    ...readHeats(options),
    ...stallHeats(options),
    ...nodeHeats(options),
  ];
  return { trials: [...inRuns(heats, options.runs), ...openTrials(options), ...onceOnly(options)], leftOut };
}

function inRuns(heats: readonly Heat[], runs: number): PlannedTrial[] {
  return Array.from({ length: runs }, (_, i) =>
    heats.flatMap(({ workload, contenders }) => contenders.map((contender) => ({ contender, workload, run: i + 1 }))),
  ).flat();
}

function appendHeats(options: BenchOptions, peers: ReadonlyMap<PeerName, PeerProgram>, leftOut: string[]): Heat[] {
  if (!options.groups.includes('append')) return [];
  const able = [...peers].flatMap(([name, program]) => ('binary' in program ? [name] : []));
  return appendShapes(options).flatMap((workload) => {
    if (workload.batch * workload.callers * (workload.payload + 16) > mostPendingBytes) {
      leftOut.push(`${workloadName(workload)}: more than ${grouped(mostPendingBytes >> 20)} MiB would wait at once.`);
      return [];
    }
    return [{ workload, contenders: appendContenders(options, workload, able) }];
  });
}

function appendShapes({ payloads, batches, callers, inFlight }: BenchOptions): AppendWorkload[] {
  return payloads.flatMap((payload) =>
    batches.flatMap((batch) =>
      (batch === 1 ? callers : inFlight).map((inFlightNow) => appendOf(batch, inFlightNow, payload)),
    ),
  );
}

/** Bare writes, peers and databases by hand take one call at a time; of the adaptors, only single entries of many callers are everybody's. */
function appendContenders(
  { adaptors }: BenchOptions,
  { batch, callers }: AppendWorkload,
  peers: readonly PeerName[],
): ContenderName[] {
  if (callers > 1) return batch === 1 ? [...adaptors] : adaptors.filter((name) => name === 'file');
  const byHand = adaptors.filter(isDatabase).map((name): `${DatabaseName}-by-hand` => `${name}-by-hand`);
  return [...LIMIT_NAMES, ...adaptors, ...peers, ...byHand];
}

function readHeats(options: BenchOptions): Heat[] {
  const { adaptors: contenders, groups } = options;
  return [
    ...(groups.includes('read') ? [{ workload: readOf(options), contenders }] : []),
    ...(groups.includes('cut') ? [{ workload: cutOf(options), contenders }] : []),
  ];
}

function stallHeats(options: BenchOptions): Heat[] {
  if (!options.groups.includes('stall')) return [];
  return STALL_BATCHES.map((batch) => ({ workload: stallOf(batch, options), contenders: options.adaptors }));
}

function nodeHeats(options: BenchOptions): Heat[] {
  if (!options.groups.includes('node')) return [];
  return CLUSTER_SIZES.flatMap((nodes) =>
    PROPOSERS.map((proposers) => ({ workload: nodeOf(nodes, proposers, options), contenders: options.adaptors })),
  );
}

/** Logs are written once, opened in turn, and removed before the longer ones are written. */
function openTrials(options: BenchOptions): PlannedTrial[] {
  if (!options.groups.includes('open')) return [];
  const lengths = [...options.logLengths, ...(options.open100m ? [HUNDRED_MILLION] : [])];
  return [...new Set(lengths)].flatMap((entries) => {
    const workload = openOf(entries, options);
    // Of the databases nothing is demanded at that length, and they would need it written with a sync for each commit.
    const contenders = persistent(options).filter((name) => entries < HUNDRED_MILLION || name === 'file');
    const written = contenders.map((contender) => ({
      contender,
      workload: { ...workload, kind: 'generate' as const },
      run: 1,
    }));
    return [...written, ...inRuns([{ workload, contenders }], options.runs)];
  });
}

/** What takes minutes and is no matter of chance is done once. */
function onceOnly(options: BenchOptions): PlannedTrial[] {
  const { groups, adaptors, runs, sustainedMinutes } = options;
  const once = (contender: AdaptorName, workload: Workload): PlannedTrial => ({ contender, workload, run: 1 });
  const trials: PlannedTrial[] = [];
  if (groups.includes('comparison')) {
    const comparison = { kind: 'comparison', rounds: runs, payload: mainPayload(options) } as const;
    trials.push(...adaptors.filter(isDatabase).map((name) => once(name, comparison)));
  }
  if (groups.includes('memory')) {
    const [large, small] = MEMORY_BATCHES;
    trials.push(...persistent(options).map((name) => once(name, memoryOf(large, options))));
    // One by one, ten million commits are only bearable where they needn't be synced; it is the file adaptor that has a target.
    if (adaptors.includes('file')) trials.push(once('file', memoryOf(small, options)));
  }
  if (sustainedMinutes !== undefined && adaptors.includes('file')) trials.push(once('file', sustainedOf(options)));
  return trials;
}

function persistent({ adaptors }: BenchOptions): AdaptorName[] {
  return adaptors.filter((name) => ADAPTORS[name].persistent);
}
