import { expect, test } from 'vitest';
import { planTrials } from '../src/run/plan.ts';
import { workloadName } from '../src/workloads/workload.ts';
import { optionsOf, PEERS } from './support/fake-results.ts';

test('contenders take turns, run after run', () => {
  const options = optionsOf('--peers --adaptors file,level --only append --batches 1 --callers 1 --runs 2');
  const turn = ['limit', 'limit-async', 'file', 'level', 'etcd-wal', 'raft-boltdb', 'level-by-hand'];
  const { trials } = planTrials(options, PEERS);
  expect(trials.map(({ contender }) => contender)).toEqual([...turn, ...turn]);
  expect(trials.map(({ run }) => run)).toEqual([...turn.map(() => 1), ...turn.map(() => 2)]);
});

test('what would be too much at once is left out with a sentence', () => {
  const options = optionsOf(
    '--adaptors file --only append --batches 1,1000 --callers 1 --in-flight 1 --payloads 1048576',
  );
  const { trials, leftOut } = planTrials(options, new Map());
  expect(trials.every(({ workload }) => 'batch' in workload && workload.batch === 1)).toBe(true);
  expect(leftOut).toEqual(['append, batches of 1,000, 1 in flight, 1,048,576 B: more than 48 MiB would wait at once.']);
});

test('a peer that is not installed is left out with its sentence', () => {
  const peers = new Map([['etcd-wal', { missing: 'etcd-wal is left out: it needs golang-go.' }]] as const);
  const { trials, leftOut } = planTrials(optionsOf('--peers --only append'), peers);
  expect(leftOut).toEqual(['etcd-wal is left out: it needs golang-go.']);
  expect(trials.map(({ contender }) => contender)).not.toContain('etcd-wal');
});

test('a log is written before it is opened, and the longest one by the file adaptor only', () => {
  const options = optionsOf('--adaptors file,memory,level --only open --log-length 10 --open-100m --runs 1');
  const { trials } = planTrials(options, new Map());
  expect(trials.map(({ contender, workload }) => `${contender}: ${workloadName(workload)}`)).toEqual([
    'file: write a log of 10, 256 B',
    'level: write a log of 10, 256 B',
    'file: open a log of 10, 256 B',
    'level: open a log of 10, 256 B',
    'file: write a log of 100,000,000, 16 B',
    'file: open a log of 100,000,000, 16 B',
  ]);
});

test('what takes minutes is done once, whatever the number of runs', () => {
  const { trials } = planTrials(optionsOf('--runs 9 --only memory,comparison --sustained 1'), new Map());
  expect(trials.map(({ contender, workload }) => `${contender} ${workload.kind}`)).toEqual([
    ...['level', 'lmdb', 'sqlite', 'rocksdb'].map((name) => `${name} comparison`),
    ...['file', 'level', 'lmdb', 'sqlite', 'rocksdb', 'file'].map((name) => `${name} memory`),
    'file sustained',
  ]);
});
