import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const hasStrace = process.platform === 'linux' && spawnSync('strace', ['-V']).status === 0;
const worker = fileURLToPath(new URL('./support/commit-under-strace.mjs', import.meta.url));

/** The system calls on the log's directory, in order, between the marks that the worker leaves. */
function trace(): string[][] {
  const directory = mkdtempSync(join(tmpdir(), 'raftlog-strace-'));
  const log = join(directory, 'trace');
  try {
    const calls =
      'trace=openat,rename,renameat,renameat2,pwrite64,pwritev,write,fsync,fdatasync,access,faccessat,faccessat2';
    execFileSync('strace', ['-f', '-y', '-o', log, '-e', calls, process.execPath, worker, join(directory, 'log')]);
    const phases: string[][] = [[]];
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      if (line.includes('raftlog-mark')) phases.push([]);
      else if (line.includes('/blocks') && !line.includes('resumed>')) phases.at(-1)?.push(line.replace(/^\d+ +/, ''));
    }
    return phases;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe.skipIf(!hasStrace)(`system calls${hasStrace ? '' : ' (left out: strace is not installed)'}`, () => {
  test('one durable write per commit, and the directory synced before the first', { timeout: 60_000 }, () => {
    const [creation = [], , commit = []] = trace();
    const start = creation.findIndex((call) => call.startsWith('openat') && call.includes('.tmp'));
    expect(creation[start]).toContain('O_DSYNC');
    const order = creation
      .slice(start)
      .filter((call) => /^(pwrite|pwritev|write|rename|fsync)/.test(call))
      .map((call) => call.split('(')[0]);
    const [header, renamed, synced, first] = order;
    expect([header, renamed, synced]).toEqual(['pwrite64', expect.stringMatching(/^rename/), 'fsync']);
    expect(first).toMatch(/^pwritev?/);
    expect(commit.map((call) => call.split('(')[0])).toEqual(['pwritev']);
  });
});
