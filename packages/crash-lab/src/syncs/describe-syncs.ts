import { beforeAll, describe, expect, test } from 'vitest';
import { describeUnderStrace } from '../describe-where-possible.ts';
import type { MakeBuilder } from '../place.ts';
import { countSyncs, type SyncCounts, type SyncOptions } from './sync-counts.ts';
import type { TracedOperation } from './traced-operations.ts';

const DURABLE: readonly TracedOperation[] = [
  ...(['persistEntries', 'saveHardState', 'write', 'replaceRange', 'truncate', 'purge', 'reset'] as const),
  'saveSnapshot',
];

/**
 * Registers tests, with vitest, of what each durable call of an engine does to the disk before it resolves: something is synced, and whatever
 * was written is synced after its last write. Reads sync nothing. Where strace is missing they are skipped and say so, and with
 * `RAFTLOG_CI=full` they fail.
 */
export function describeSyncs(name: string, makeBuilder: MakeBuilder, options: SyncOptions = {}): void {
  describeUnderStrace(`system calls of ${name}`, async () => {
    const { offersBuffered } = await makeBuilder();
    describeMode('sync', DURABLE, makeBuilder, options);
    if (offersBuffered !== true) return;
    const durable = ['flush' as const, ...DURABLE.filter((operation) => operation !== 'persistEntries')];
    const build = { ...options.build, durability: 'buffered' as const };
    describeMode('buffered', durable, makeBuilder, { ...options, build });
  });
}

function describeMode(
  mode: 'sync' | 'buffered',
  durable: readonly TracedOperation[],
  makeBuilder: MakeBuilder,
  options: SyncOptions,
): void {
  describe(mode, () => {
    let counts: SyncCounts;
    beforeAll(async () => {
      counts = await countSyncs(makeBuilder, options);
    }, 120_000);
    test.each(durable)('%s resolves when what it wrote is synced', (operation) => {
      const { syncs, unsynced, calls } = counts[operation];
      const seen = calls.map((call) => `${call.name} ${call.path}`).join('\n');
      expect(syncs, `syncs during ${operation}, which did:\n${seen}`).toBeGreaterThan(0);
      expect(unsynced, `files that ${operation} left unsynced, having done:\n${seen}`).toEqual([]);
    });
    test('reads sync nothing', () => {
      expect(counts.read.syncs).toBe(0);
    });
  });
}
