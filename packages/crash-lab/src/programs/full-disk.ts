// A child process with mounts of its own: fills a small disk with an engine, looks, makes the disk larger, looks again.
import { spawnSync } from 'node:child_process';
import { mountCommand } from '../faults/private-mount.ts';
import { readTold } from '../faults/told.ts';
import { type Ended, runNode } from '../processes.ts';
import type { FailingRunTask } from './failing-run.ts';

export interface FullDiskTask {
  readonly run: FailingRunTask;
  /** A directory that the small disk is mounted on. */
  readonly disk: string;
  readonly bytes: number;
}

/** Printed as JSON. */
export interface FullDiskOutcome {
  readonly run: Ended;
  readonly stillFull: Ended;
  readonly roomAgain: Ended;
}

const task = JSON.parse(process.argv[2] ?? '{}') as FullDiskTask;
process.stdout.write(JSON.stringify(await fill(task)));

async function fill({ run, disk, bytes }: FullDiskTask): Promise<FullDiskOutcome> {
  mount(mountCommand(disk, bytes));
  const ended = await runNode('failing-run', run);
  const { issued, acknowledged } = readTold(ended);
  const stillFull = await runNode('failed-disk-judge', { ...run, issued, acknowledged, stillFull: true });
  mount(mountCommand(disk, bytes * 4, true));
  const roomAgain = await runNode('failed-disk-judge', { ...run, issued, acknowledged });
  return { run: ended, stillFull, roomAgain };
}

function mount([command = '', ...args]: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}
