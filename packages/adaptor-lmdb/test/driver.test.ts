import { join } from 'node:path';
import { describeUnderStrace } from '@raftlog/crash-lab/vitest';
import { expect, test } from 'vitest';
import { LmdbStorageEngine } from '../src/index.ts';
import { runChild } from './support/child.ts';
import { inTemporaryDirectory } from './support/test-store.ts';

const failing = (write: 'pwrite64' | 'writev', call: number): string[] => [
  '-e',
  `trace=${write}`,
  '-e',
  `inject=${write}:error=EIO:when=${call}`,
];

// Why the adaptor treats LMDB as it does. Should one of these fail, LMDB has changed, and an option or a precaution can go.
describeUnderStrace('LMDB by itself', () => {
  const commit = (options: object, failure: readonly string[]): Promise<string> =>
    inTemporaryDirectory(
      async (directory) => runChild('commit-by-hand.mjs', [directory, JSON.stringify(options)], failure).stdout,
    );

  test('takes a failed write of its meta page for a success by default, and not without overlappingSync', async () => {
    // The last write of the second commit: there are three to a commit, and two without overlappingSync, the first of which may be a writev.
    expect(await commit({ eventTurnBatching: false }, failing('pwrite64', 5))).toBe('success\n');
    expect(await commit({ eventTurnBatching: false, overlappingSync: false }, failing('pwrite64', 3))).toBe(
      'failure: Input/output error\n',
    );
  });

  test('rejects a promise that nobody can hold when a commit fails, and not without eventTurnBatching', async () => {
    const failure = failing('pwrite64', 3);
    expect(await commit({ overlappingSync: false }, failure)).toBe('failure: Input/output error\nunhandled\n');
    expect(await commit({ overlappingSync: false, eventTurnBatching: false }, failure)).toBe(
      'failure: Input/output error\n',
    );
  });

  // It has 100 bytes of the heap for this. The third size is not there but left over from something else, and often a long number; in files of more than
  // 1 GB the position has ten digits. What does not fit overwrites what comes next: the process ends, sooner or later.
  test('says more of a failed write of pages than it has room for', async () => {
    const said = await commit({ overlappingSync: false, eventTurnBatching: false }, failing('writev', 1));
    const [, pages = ''] = /^failure: Input\/output error: (.*)\n$/.exec(said) ?? [];
    expect(pages).toMatch(
      /^Attempting to write page at position \d+, size 8192, blocks 2, buffer sizes 4096 4096 -?\d+$/,
    );
    expect(pages.replace(/\d+(?=,)/, '1000000000').replace(/-?\d+$/, '-1000000000').length).toBeGreaterThan(100);
  });
});

describeUnderStrace('a single write of the database that fails', () => {
  // Data and meta page take turns.
  test.each([3, 4, 5, 6, 7, 8])('write %i: what was acknowledged can be read, then and after a reopen', (call) =>
    inTemporaryDirectory(async (parent) => {
      const directory = join(parent, 'store');
      const data = join(directory, 'blocks', 'data.mdb');
      const { stdout } = runChild('commit-until-failure.mjs', [directory], ['-P', data, ...failing('pwrite64', call)]);
      const [, acknowledged = '0', read] = /^STORE_FAILED\n(\d+) (\d+)\n$/.exec(stdout) ?? [];
      expect(read, stdout).toBe(acknowledged);
      const engine = await LmdbStorageEngine.open({ directory });
      expect(engine.logStore.lastIndex - Number(acknowledged)).toBeOneOf([0, 1]);
      await engine.close();
    }),
  );
});
