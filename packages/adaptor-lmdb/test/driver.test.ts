import { join } from 'node:path';
import { describeUnderStrace } from '@raftlog/disk-lab';
import { expect, test } from 'vitest';
import { LmdbStorageEngine } from '../src/index.ts';
import { runChild } from './support/child.ts';
import { inTemporaryDirectory } from './support/test-store.ts';

const failingWrite = (call: number): string[] => [
  '-e',
  'trace=pwrite64',
  '-e',
  `inject=pwrite64:error=EIO:when=${call}`,
];

// Why the adaptor opens LMDB as it does. Should one of these fail, LMDB has changed, and an option can go.
describeUnderStrace('LMDB by itself', () => {
  const commit = (options: object, call: number): Promise<string> =>
    inTemporaryDirectory(
      async (directory) =>
        runChild('commit-by-hand.mjs', [directory, JSON.stringify(options)], failingWrite(call)).stdout,
    );

  test('takes a failed write of its meta page for a success by default, and not without overlappingSync', async () => {
    // The last write of the second commit: there are three to a commit, and two without overlappingSync, the first of which may be a writev.
    expect(await commit({ eventTurnBatching: false }, 5)).toBe('success\n');
    expect(await commit({ eventTurnBatching: false, overlappingSync: false }, 3)).toBe('failure\n');
  });

  test('rejects a promise that nobody can hold when a commit fails, and not without eventTurnBatching', async () => {
    expect(await commit({ overlappingSync: false }, 3)).toBe('failure\nunhandled\n');
    expect(await commit({ overlappingSync: false, eventTurnBatching: false }, 3)).toBe('failure\n');
  });
});

describeUnderStrace('a single write of the database that fails', () => {
  // Data and meta page take turns.
  test.each([3, 4, 5, 6, 7, 8])('write %i: what was acknowledged can be read, then and after a reopen', (call) =>
    inTemporaryDirectory(async (parent) => {
      const directory = join(parent, 'store');
      const data = join(directory, 'blocks', 'data.mdb');
      const { stdout } = runChild('commit-until-failure.mjs', [directory], ['-P', data, ...failingWrite(call)]);
      const [, acknowledged = '0', read] = /^STORE_FAILED\n(\d+) (\d+)\n$/.exec(stdout) ?? [];
      expect(read, stdout).toBe(acknowledged);
      const engine = await LmdbStorageEngine.open({ directory });
      expect(engine.logStore.lastIndex - Number(acknowledged)).toBeOneOf([0, 1]);
      await engine.close();
    }),
  );
});
