import { dirname, join } from 'node:path';
import type { StorageEngineBuilder } from '@raftlog/core/conformance';
import { placeOf } from '../place.ts';
import type { FailingRunTask } from '../programs/failing-run.ts';
import type { LabSubject } from '../subject.ts';
import { MARK_PREFIX, type SystemCall } from '../syncs/system-calls.ts';
import { type FailingDiskOptions, type FailingDiskReport, runWithFault, taskFor } from './failing-disk.ts';

export interface FaultCampaignOptions {
  /** Operations of the reference workload, every write and sync of which fails once. Default: 20. */
  readonly operations?: number;
  /** Default: 1. */
  readonly seed?: number;
  /** Runs at once. Default: 2. */
  readonly processes?: number;
  /** At most so many calls of each kind, evenly chosen. Default: all. */
  readonly callsOfAKind?: number;
  readonly onProgress?: (progress: FaultCampaignReport, of: number) => void;
}

export interface FaultCampaignReport {
  /** Calls of the reference workload that were to fail. */
  readonly tried: number;
  /** Calls that did. */
  readonly injected: number;
  /** Runs in which the engine did no more than is known of it. */
  readonly known: number;
  readonly problems: readonly string[];
}

const SYNCS = ['fsync', 'fdatasync', 'msync'];
const WRITES = ['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'];

/**
 * Runs one workload again and again, each time with another write or sync that fails once, a sync with EIO, a write with EIO or ENOSPC by turns. Once only: an engine that
 * tries again succeeds, and shows that it did. Nothing is acknowledged falsely, the engine is poisoned, and reopened it has what it
 * acknowledged.
 */
export async function runFaultCampaign(
  subject: LabSubject,
  options: FaultCampaignOptions = {},
): Promise<FaultCampaignReport> {
  const { processes = 2, onProgress } = options;
  const reference = await runReference(subject, options);
  const faults = planFaults(reference, options.callsOfAKind ?? Number.POSITIVE_INFINITY);
  let report: FaultCampaignReport = { tried: 0, injected: 0, known: 0, problems: [] };
  const waiting = [...faults];
  const work = async (): Promise<void> => {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      const { met, problems: all } = await runFault(subject, fault, reference, options);
      const isKnown = (text: string): boolean =>
        subject.knownFaults?.some(({ problem }) => problem.test(text)) === true;
      const problems = all.filter((text) => !isKnown(text));
      report = {
        tried: report.tried + 1,
        injected: report.injected + (met ? 1 : 0),
        known: report.known + (all.length > 0 && problems.length === 0 ? 1 : 0),
        problems: [...report.problems, ...problems],
      };
      onProgress?.(report, faults.length);
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  return report;
}

/** The k-th call of this name, of each thread. */
interface Fault {
  readonly name: string;
  readonly number: number;
  readonly error: 'EIO' | 'ENOSPC';
}

/** What the workload does where nothing fails. */
interface Reference {
  readonly calls: readonly SystemCall[];
  /** Below the engine's directory; marks among them. */
  readonly paths: readonly string[];
}

async function runReference(subject: LabSubject, options: FaultCampaignOptions): Promise<Reference> {
  const builder = subject.makeBuilder();
  try {
    const { calls, report } = await runWithFault(builder, taskOf(builder, options), {}, diskOptions(subject));
    if (report.problems.length > 0)
      throw new Error(`The engine fails on a disk that works: ${report.problems.join('\n')}`);
    const marks = calls.filter(({ name }) => name === 'mark').map(({ path }) => path);
    // With a fault the workload takes other ways: it leaves marks that it didn't leave before.
    const rejected = marks.map((mark) => mark.replace('resolved', 'rejected'));
    const files = calls
      .filter(({ name }) => name !== 'mark')
      .flatMap(({ path, from }) => (from === undefined ? [path] : [path, from]));
    const marked = [...marks, ...rejected, 'poisoned', 'reported'].map((mark) => MARK_PREFIX + mark);
    return { calls, paths: [...new Set([...files, ...marked])] };
  } finally {
    await builder.cleanup();
  }
}

function planFaults({ calls }: Reference, most: number): Fault[] {
  return [...SYNCS, ...WRITES].flatMap((name) => {
    const count = calls.filter((call) => call.name === name && call.result >= 0).length;
    const numbers = Array.from(
      { length: Math.min(count, most) },
      (_, at) => 1 + Math.floor((at * count) / Math.min(count, most)),
    );
    return numbers.map(
      (number): Fault => ({ name, number, error: SYNCS.includes(name) || number % 2 === 1 ? 'EIO' : 'ENOSPC' }),
    );
  });
}

async function runFault(
  subject: LabSubject,
  { name, number, error }: Fault,
  { paths }: Reference,
  options: FaultCampaignOptions,
): Promise<Pick<FailingDiskReport, 'met' | 'problems'>> {
  const builder = subject.makeBuilder();
  try {
    const { directory } = placeOf(builder);
    // Otherwise `write` couldn't fail: Node's own threads wake each other with it.
    const only = [
      dirname(directory),
      ...paths.map((path) => (path.startsWith(MARK_PREFIX) ? path : join(directory, path))),
    ];
    const inject = `${name}:error=${error}:when=${number}`;
    const { report } = await runWithFault(builder, taskOf(builder, options), { inject, only }, diskOptions(subject));
    const { met, problems, swallowed } = report;
    const lies = subject.swallows === true ? [] : swallowed.map((call) => `acknowledged although it failed: ${call}`);
    return {
      met,
      problems: [...problems, ...lies].map((problem) => `${name} ${number} fails with ${error}: ${problem}`),
    };
  } finally {
    await builder.cleanup();
  }
}

function taskOf(builder: StorageEngineBuilder, { operations = 20, seed = 1 }: FaultCampaignOptions): FailingRunTask {
  return taskFor(builder, 'device-fails', seed, operations, {});
}

function diskOptions({ harmlessFailures, mayEndWith }: LabSubject): FailingDiskOptions {
  return {
    ...(harmlessFailures === undefined ? {} : { ignore: harmlessFailures }),
    ...(mayEndWith === undefined ? {} : { mayEndWith }),
  };
}
