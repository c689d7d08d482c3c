import { countSyncs, type SyncCounts, type SystemCall } from '@raftlog/crash-lab';
import { describeFailingDisk, describeSyncs, describeUnderStrace } from '@raftlog/crash-lab/vitest';
import { beforeAll, expect, test } from 'vitest';
import { levelBuilder } from './support/level-builder.ts';

// What LevelDB writes for humans.
const ignore = /(^|\/)LOG(\.old)?$/;

describeSyncs('LevelDB', () => levelBuilder(), { ignore });
describeFailingDisk('LevelDB', () => levelBuilder(), { ignore });

describeUnderStrace('LevelDB', () => {
  let counts: SyncCounts;
  beforeAll(async () => {
    counts = await countSyncs(() => levelBuilder(), { ignore });
  }, 120_000);

  test.each(['persistEntries', 'truncate', 'replaceRange', 'reset'] as const)(
    '%s is one write and one fdatasync of the log: deletions, blocks and header together',
    (operation) => {
      const calls = counts[operation].calls.filter(({ path }) => path.endsWith('.log'));
      expect(calls.map(({ name }) => name)).toEqual(['write', 'fdatasync']);
    },
  );

  test('what an open has replayed is in a synced table, and in a synced manifest whose name is synced, before it is served', () => {
    const { calls } = counts.reopen;
    const position = (what: string, name: RegExp, path: RegExp, from = 0): number => {
      const found = calls.findIndex(
        (call: SystemCall, at) => at >= from && name.test(call.name) && path.test(call.path),
      );
      expect(found, `${what} in\n${calls.map((call) => `${call.name} ${call.path}`).join('\n')}`).toBeGreaterThan(-1);
      return found;
    };
    const table = position('the table', /^fdatasync$/, /\.ldb$/);
    const manifest = position('the manifest', /^fdatasync$/, /MANIFEST/, table);
    const current = position('the name', /^rename/, /CURRENT$/, manifest);
    position('the directory', /^fsync$/, /^blocks$/, current);
  });
});
