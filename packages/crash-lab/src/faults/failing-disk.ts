import { dirname } from 'node:path';
import type { BuildOptions, StorageEngineBuilder } from '@raftlog/core/conformance';
import { countedFiles, type MakeBuilder, placeOf } from '../place.ts';
import { type Ended, nodeCommand, run, runNode } from '../processes.ts';
import type { JudgeTask } from '../programs/failed-disk-judge.ts';
import type { FailingRunTask } from '../programs/failing-run.ts';
import type { FullDiskOutcome, FullDiskTask } from '../programs/full-disk.ts';
import { type TraceOptions, traceNode } from '../syncs/strace.ts';
import { isSync, isWrite, type SystemCall } from '../syncs/system-calls.ts';
import { BYTES_PER_OPERATION, type DiskFault } from './disk-fault.ts';
import { unshareFlags } from './private-mount.ts';
import { readTold } from './told.ts';

export interface FailingDiskOptions {
  /**
   * Files, by their path below the engine's directory, whose failures cost nothing: a database's log for humans, what is prepared in
   * the background. The builder's witness is one anyway.
   */
  readonly ignore?: RegExp;
  /** What the engine is opened with. Default: `small`. */
  readonly build?: Omit<BuildOptions, 'fileIo'>;
  /** Size of the disk that fills up. Default: 16 MiB. */
  readonly diskBytes?: number;
  /** Signals that the driver is known to end the process with at some failed calls: then only what is there after the reopen counts. Default: none. */
  readonly mayEndWith?: readonly NodeJS.Signals[];
}

/** How an engine bore a disk that failed. */
export interface FailingDiskReport {
  /** The fault hit a file that counts. */
  readonly met: boolean;
  /** The call that rejected, with its code; `undefined`: none did. */
  readonly rejected: string | undefined;
  /** Calls that resolved although a sync or write of theirs had failed. */
  readonly swallowed: readonly string[];
  /** Whatever else the engine did wrong, in words. */
  readonly problems: readonly string[];
}

// After so many operations nothing will be noticed any more.
const OPERATIONS = 400;
const operationsToFill = (bytes: number): number => Math.ceil((4 * bytes) / BYTES_PER_OPERATION);
const FAILING_CALLS = {
  'sync-fails': 'fsync,fdatasync,msync',
  // Not `write`: Node's own threads talk through it.
  'device-fails': 'fsync,fdatasync,msync,pwrite64,pwritev,pwritev2',
};

/**
 * Writes to a new engine in a child process whose disk fails from the `from`-th call on (counted from 1, per system call and thread), then opens
 * it again on a disk that works. Needs strace.
 */
export async function runOnFailingDisk(
  makeBuilder: MakeBuilder,
  fault: 'sync-fails' | 'device-fails',
  from: number,
  seed: number,
  options: FailingDiskOptions = {},
): Promise<FailingDiskReport> {
  const builder = await makeBuilder();
  try {
    const task = taskFor(builder, fault, seed, OPERATIONS, options);
    const inject = `${FAILING_CALLS[fault]}:error=EIO:when=${from}+`;
    return (await runWithFault(builder, task, { inject }, options)).report;
  } finally {
    await builder.cleanup();
  }
}

/** Runs the task in a child process under strace, which makes calls fail, and judges what it left. */
export async function runWithFault(
  builder: StorageEngineBuilder,
  task: FailingRunTask,
  trace: Pick<TraceOptions, 'inject' | 'only'>,
  options: FailingDiskOptions,
): Promise<{ readonly report: FailingDiskReport; readonly calls: readonly SystemCall[] }> {
  // With one thread for file work the k-th call of a thread is the k-th of the engine.
  const env = { UV_THREADPOOL_SIZE: '1' };
  const ended = await traceNode('failing-run', task, placeOf(builder).directory, { ...trace, env });
  const isCounted = countedFiles(builder, options.ignore);
  const calls = ended.calls.filter(({ path }) => isCounted(path));
  const { issued, acknowledged, rejected, problems } = readTold(ended);
  const isKnownEnd = ended.signal !== null && options.mayEndWith?.includes(ended.signal) === true;
  const judge: JudgeTask = { ...task, issued, acknowledged };
  const verdict = verdictOf('opened on a disk that works', await runNode('failed-disk-judge', judge));
  const report = {
    met: calls.some(({ injected }) => injected),
    rejected,
    swallowed: swallowedIn(calls),
    problems: [...(isKnownEnd ? [] : problems), ...writtenAfterFailure(calls), ...retriedSyncs(calls), ...verdict],
  };
  return { report, calls };
}

/**
 * Fills a small disk with a new engine in a child process, opens it again while the disk is full, and once more when it has room. Needs the right
 * to mount (root, or namespaces of users).
 */
export async function runOnFullDisk(
  makeBuilder: MakeBuilder,
  seed: number,
  options: FailingDiskOptions = {},
): Promise<FailingDiskReport> {
  const builder = await makeBuilder();
  try {
    const bytes = options.diskBytes ?? 16 * 1024 * 1024;
    const filling = taskFor(builder, 'disk-full', seed, operationsToFill(bytes), options);
    const task: FullDiskTask = { run: filling, disk: dirname(placeOf(builder).directory), bytes };
    const ended = await run('unshare', [...unshareFlags(), ...nodeCommand('full-disk', task)], { timeoutMs: 150_000 });
    if (ended.exitCode !== 0) throw new Error(`The small disk could not be made: ${ended.complaint}`);
    const outcome = JSON.parse(ended.lines.join('')) as FullDiskOutcome;
    const { rejected, codes, problems } = readTold(outcome.run);
    const isTold = rejected === undefined || codes.includes('NO_SPACE');
    return {
      met: rejected !== undefined,
      rejected,
      swallowed: [],
      problems: [
        ...problems,
        ...(isTold ? [] : [`the error doesn't tell by NO_SPACE that the disk is full: ${codes.join(', caused by ')}`]),
        ...verdictOf('opened on the full disk', outcome.stillFull),
        ...verdictOf('opened when the disk had room again', outcome.roomAgain),
      ],
    };
  } finally {
    await builder.cleanup();
  }
}

export function taskFor(
  builder: StorageEngineBuilder,
  fault: DiskFault,
  seed: number,
  operations: number,
  { build = { small: true } }: FailingDiskOptions,
): FailingRunTask {
  const { child } = placeOf(builder);
  return { module: child.module.href, place: child.place, build, seed, fault, operations };
}

/** The operations that ended in the trace as if nothing had happened, though a call between their marks failed, and it was not reported either. */
function swallowedIn(calls: readonly SystemCall[]): string[] {
  const swallowed: string[] = [];
  let failed: SystemCall | undefined;
  // In the order in which they began: what a thread begins when the answer is on its way belongs to what comes next.
  for (const call of calls.toSorted((a, b) => a.began - b.began)) {
    if (call.injected) failed ??= call;
    else if (failed !== undefined && isWrittenAgain(failed, call)) failed = undefined;
    if (call.name !== 'mark') continue;
    const [, operation] = /^resolved (.*)$/.exec(call.path) ?? [];
    // The removal of what was purged follows the purge at once: what fails there is for the next call to tell.
    if (operation?.startsWith('purge ') === true) continue;
    if (operation !== undefined && failed !== undefined) swallowed.push(`${operation}: ${failed.name} ${failed.path}`);
    // The report may come later than the answer to the operation beside which it happened.
    if (call.path === 'reported' && failed === undefined) swallowed.pop();
    failed = undefined;
  }
  return swallowed;
}

/** A write, unlike a sync, may be tried again: every byte is handed over anew. */
function isWrittenAgain(failed: SystemCall, call: SystemCall): boolean {
  const offset = (text: string): string => text.slice(text.lastIndexOf(',') + 1);
  const isSame = call.path === failed.path && offset(call.args) === offset(failed.args);
  return isWrite(failed) && isWrite(call) && isSame && call.result > 0;
}

function writtenAfterFailure(calls: readonly SystemCall[]): string[] {
  const failure = calls.find(({ name, path }) => name === 'mark' && path === 'poisoned');
  if (failure === undefined) return [];
  // That a database trims what it had allocated ahead is no harm; if it cuts more, that is missing after the reopen.
  const changes = (call: SystemCall): boolean => isWrite(call) || call.name.startsWith('rename');
  return calls
    .filter((call) => call.began > failure.began && changes(call))
    .map(({ name, path }) => `after the failure ${name} ${path}`);
}

/** A second fsync succeeds, since the kernel has dropped the pages that the first could not write: it says nothing of them. */
function retriedSyncs(calls: readonly SystemCall[]): string[] {
  const failed = new Set<string>();
  const retried: string[] = [];
  let by = ' by the open';
  for (const call of calls) {
    if (call.name === 'mark' && call.path === 'resolved open') by = '';
    if (isWrite(call)) failed.delete(call.path);
    else if (isSync(call) && call.injected) failed.add(call.path);
    else if (isSync(call) && call.result >= 0 && failed.delete(call.path)) {
      retried.push(`${call.name} ${call.path}, which had failed, was tried again${by}`);
    }
  }
  return retried;
}

/** What the judge found wrong, if anything. */
function verdictOf(what: string, { lines, exitCode, signal, complaint }: Ended): string[] {
  if (exitCode !== 0) return [`${what}, it ended the process with ${signal ?? exitCode}: ${complaint}`];
  return lines.length === 0 ? [] : [`${what}: ${lines.join('\n')}`];
}
