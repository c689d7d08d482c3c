import { spawnSync } from 'node:child_process';
import { describe, test } from 'vitest';
import { mountCommand, unshareFlags } from './faults/private-mount.ts';

/** A `describe` of tests that trace. Where that is impossible there is one skipped test that says why; with `RAFTLOG_CI=full` they run, and fail. */
export function describeUnderStrace(title: string, body: () => void | Promise<void>): void {
  // Being there is not enough: a container may forbid to trace.
  const trial = ['strace', '-f', '-o', '/dev/null', 'true'];
  describeIf(trial, 'needs strace (apt-get install strace) and the right to trace', title, body);
}

/** The same for tests that mount a small disk. */
export function describeOnOwnDisk(title: string, body: () => void): void {
  const trial = ['unshare', ...unshareFlags(), ...mountCommand('/tmp', 65_536)];
  describeIf(trial, 'needs unshare and the right to mount', title, body);
}

function describeIf(
  [command = '', ...args]: readonly string[],
  need: string,
  title: string,
  body: () => void | Promise<void>,
): void {
  const works = process.platform === 'linux' && spawnSync(command, args).status === 0;
  if (works || process.env.RAFTLOG_CI === 'full') describe(title, body);
  else test.skip(`${title} (left out: ${need})`, () => {});
}
