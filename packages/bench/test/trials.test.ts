import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PlannedTrial } from '../src/run/plan.ts';
import type { Progress } from '../src/run/progress.ts';
import { runTrials } from '../src/run/run-trials.ts';
import { optionsOf } from './support/fake-results.ts';

const silent: Progress = { show: () => {}, end: () => {} };
const options = optionsOf('--seconds 0.02 --settle-mib 0');
let parent: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'raftlog-bench-test-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

function run(...trials: Omit<PlannedTrial, 'run'>[]) {
  const planned = trials.map((trial) => ({ ...trial, run: 1 }));
  return runTrials(planned, { options, peers: new Map(), parent, progress: silent });
}

test('a trial that fails is recorded, and the others go on', async () => {
  const [failed, other] = await run(
    { contender: 'memory', workload: { kind: 'open', entries: 10, payload: 16 } },
    { contender: 'memory', workload: { kind: 'append', batch: 1, payload: 16, callers: 1 } },
  );
  expect(failed?.error).toContain('Nobody has written the log that is to be opened.');
  expect(failed?.result).toBeUndefined();
  expect(other?.error).toBeUndefined();
  expect(other?.result?.figures.calls).toBeGreaterThan(0);
  expect(readdirSync(parent)).toEqual([]);
});

test('proposals to a cluster, and memory of a log', async () => {
  const [node, memory] = await run(
    { contender: 'memory', workload: { kind: 'node', nodes: 3, proposers: 2, payload: 16 } },
    { contender: 'file', workload: { kind: 'memory', entries: 500, batch: 50, payload: 16 } },
  );
  expect(node?.error).toBeUndefined();
  expect(node?.result?.figures.proposalsPerSecond).toBeGreaterThan(0);
  expect(memory?.error).toBeUndefined();
  expect(Object.keys(memory?.result?.figures ?? {})).toEqual(['writeMemoryMiB', 'readMemoryMiB', 'mappedMiB']);
});

test('cuts of a log, and stalls under load', async () => {
  const [cut, stall] = await run(
    { contender: 'file', workload: { kind: 'cut', entries: 200, range: 50, payload: 16 } },
    { contender: 'file', workload: { kind: 'stall', batch: 10, payload: 16 } },
  );
  expect(cut?.error).toBeUndefined();
  expect(Object.keys(cut?.result?.figures ?? {})).toEqual(['purgeMs', 'truncateMs', 'resetMs']);
  expect(stall?.error).toBeUndefined();
  expect(Object.keys(stall?.result?.figures ?? {})).toEqual(['stallMs', 'makingMs']);
});

test('sustained load is sampled while the log is purged', async () => {
  const workload = { kind: 'sustained', minutes: 0.01, keepMiB: 1, batch: 100, payload: 256 } as const;
  const [trial] = await run({ contender: 'file', workload });
  expect(trial?.error).toBeUndefined();
  expect(trial?.result?.series?.length).toBeGreaterThan(3);
  expect(trial?.result?.figures.throughputDrift).toBeGreaterThan(0);
});
