import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { TrialRecord } from '../src/run/results.ts';
import { chartsIn, referencesOf } from './support/html.ts';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const parent = mkdtempSync(join(tmpdir(), 'raftlog-bench-test-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

const tiny =
  '--adaptors memory,file --only append,read,open --batches 1,8 --callers 1,4 --in-flight 1,2 --log-length 50,300 --range-entries 50 --cut-entries 200 --runs 1 --seconds 0.02 --settle-mib 1 --allow-tmpfs';

test('a small run measures, reports and leaves nothing behind', async () => {
  const [json, markdown, html] = ['r.json', 'r.md', 'r.html'].map((name) => join(parent, name));
  const outputs = ['--json', json, '--markdown', markdown, '--html', html].map(String);
  const { code, stdout, stderr } = await bench(...tiny.split(' '), '--directory', parent, ...outputs);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  // The directories of all trials are gone.
  expect(readdirSync(parent).sort()).toEqual(['r.html', 'r.json', 'r.md']);
  expect(stdout).toContain('Durable appends');
  expect(stderr).toContain('append, batches of 8, 2 in flight, 256 B');

  const { machine, trials } = JSON.parse(readFileSync(String(json), 'utf8')) as {
    readonly machine: object;
    readonly trials: readonly TrialRecord[];
  };
  expect(machine).toMatchObject({ node: process.versions.node, fileSystem: expect.any(String) });
  expect(trials.filter(({ error }) => error !== undefined)).toEqual([]);
  const appends = trials.filter(({ workload }) => workload.kind === 'append');
  expect(new Set(appends.map(({ contender }) => contender))).toEqual(
    new Set(['limit', 'limit-async', 'memory', 'file']),
  );
  for (const { result } of appends) {
    expect(result?.figures.entriesPerSecond).toBeGreaterThan(0);
    expect(result?.figures.calls).toBeGreaterThan(0);
  }
  const read = trials.find(({ contender, workload }) => contender === 'file' && workload.kind === 'read');
  expect(Object.keys(read?.result?.figures ?? {}).sort()).toEqual([
    'entryCachedUs',
    'entryReopenedUs',
    'rangeCachedMs',
    'rangeReopenedMs',
  ]);

  const page = readFileSync(String(html), 'utf8');
  expect(referencesOf(page)).toEqual([]);
  const charts = chartsIn(page);
  expect(charts.map(({ id }) => id)).toEqual([
    'throughput',
    'callers',
    'in-flight',
    'latency-1',
    'open',
    'open-memory',
  ]);
  for (const { id, series } of charts) {
    const values = series.flatMap((each) => each.values);
    expect(
      values.every((value) => Number.isFinite(value)),
      id,
    ).toBe(true);
  }
  expect(readFileSync(String(markdown), 'utf8')).toContain('### Durable appends');
});

test('arguments that make no sense are refused before anything is measured', async () => {
  const { code, stderr } = await bench('--runs', '0');
  expect(code).toBe(2);
  expect(stderr).toContain('--runs must be a whole number, 1 or more, not "0".');
});

test('help is help', async () => {
  const { code, stdout } = await bench('--help');
  expect(code).toBe(0);
  expect(stdout).toContain('--peers');
});
