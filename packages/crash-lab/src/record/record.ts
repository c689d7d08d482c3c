import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import type { LogModel } from '@raftlog/core/conformance';
import { nodeCommand, run } from '../processes.ts';
import { CrashDisk } from '../states/crash-disk.ts';
import { type DiskImage, differenceOfImages, readImage, writeImage } from '../states/disk-image.ts';
import type { Change } from './change.ts';
import type { NodeId } from './live-tree.ts';
import { CHANGING_CALLS, readChanges } from './read-changes.ts';
import type { Workload, WorkloadTask } from './workload.ts';

/** The engine's directory, in the directory that is recorded: whether its own name survives is recorded with it. */
export const STORE = 'store';

/** The engine that is tried. */
export interface LabEngine {
  /** A module (`file:` URL) that exports `open(directory, options)`. */
  readonly module: string;
  /** Files that are left out of the states, by their path below the engine's directory: mapped ones that hold nothing durable, and what only humans read. */
  readonly leftOut: RegExp;
}

/** What lay on a disk, and what was done to it. */
export interface Recording {
  readonly before: DiskImage;
  readonly nodes: ReadonlyMap<string, NodeId>;
  readonly changes: readonly Change[];
}

/** Runs a workload under strace, on what is in `before`. Throws if the trace doesn't lead from there to what is in the directory afterwards. */
export async function record(
  engine: LabEngine,
  workload: Workload,
  before: DiskImage,
  base: LogModel,
): Promise<Recording> {
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'raftlog-recording-')));
  try {
    const [root, trace, taskFile] = [join(scratch, 'disk'), join(scratch, 'trace'), join(scratch, 'task')];
    mkdirSync(root);
    writeImage(before, root);
    const task: WorkloadTask = { ...workload, module: engine.module, place: join(root, STORE), base };
    writeFileSync(taskFile, serialize(task));
    await runTraced(taskFile, trace);
    const leftOut = leftOutBelow(engine);
    const sizes = new Map(
      [...before].map(([path, content]) => [path, content === 'directory' ? content : content.length]),
    );
    const { changes, before: nodes } = readChanges(await readFile(trace, 'latin1'), { root, before: sizes, leftOut });
    const recording = { before, nodes, changes };
    checkWhole(recording, readImage(root, leftOut));
    return recording;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Of a path below the recorded directory. */
function leftOutBelow({ leftOut }: LabEngine): (path: string) => boolean {
  return (path) => path.startsWith(`${STORE}/`) && leftOut.test(path.slice(STORE.length + 1));
}

async function runTraced(taskFile: string, trace: string): Promise<void> {
  // Every byte that is written, in hexadecimal; and with `-y` the path of each descriptor.
  const flags = [
    '-f',
    '-y',
    '-xx',
    '-s',
    '16777216',
    '--seccomp-bpf',
    '-o',
    trace,
    '-e',
    `trace=${CHANGING_CALLS.join()}`,
  ];
  const [node = '', program = ''] = nodeCommand('workload', undefined);
  const { exitCode, signal, complaint } = await run('strace', [...flags, node, program, taskFile], {
    timeoutMs: 120_000,
  });
  if (exitCode !== 0) throw new Error(`The recorded process ended with ${signal ?? exitCode}: ${complaint}`);
}

/**
 * What the trace makes of the disk must be what is there: or something wrote in a way that the trace doesn't show (io_uring, another process), and no state
 * that is made of it would prove anything.
 */
function checkWhole(recording: Recording, is: DiskImage): void {
  const disk = new CrashDisk(recording);
  disk.advanceTo(Number.POSITIVE_INFINITY);
  const difference = differenceOfImages(is, disk.everything());
  if (difference !== undefined) throw new Error(`The trace doesn't tell all that was written: ${difference}`);
}
