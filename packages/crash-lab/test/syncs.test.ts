import { expect, test } from 'vitest';
import { countSyncs } from '../src/index.ts';
import { describeSyncs, describeUnderStrace } from '../src/vitest.ts';
import { tinyBuilder } from './support/tiny-builder.ts';

describeSyncs('an engine that keeps its promises', () => tinyBuilder());

describeUnderStrace("engines that don't", () => {
  test('one commit is one write and one fdatasync', async () => {
    const { persistEntries, reset, open } = await countSyncs(() => tinyBuilder());
    for (const { syncs, writes, unsynced, calls } of [persistEntries, reset]) {
      expect({ syncs, writes, unsynced }).toEqual({ syncs: 1, writes: 1, unsynced: [] });
      expect(calls.map(({ name, path }) => `${name} ${path}`)).toEqual(['write log', 'fdatasync log']);
    }
    const rename = open.calls.find(({ name }) => name.startsWith('rename'));
    expect(rename).toMatchObject({ from: 'log.new', path: 'log' });
  });

  test('a forgotten sync is seen', async () => {
    const { persistEntries, truncate } = await countSyncs(() => tinyBuilder('forgets-sync'));
    expect(persistEntries).toMatchObject({ syncs: 0, writes: 1, unsynced: ['log'] });
    expect(truncate).toMatchObject({ syncs: 0, unsynced: ['log'] });
  });

  test('a write after the sync is seen, unless the file is ignored', async () => {
    const make = () => tinyBuilder('writes-after-sync');
    expect((await countSyncs(make)).truncate).toMatchObject({ syncs: 1, unsynced: ['log'] });
    expect((await countSyncs(make, { ignore: /^log$/ })).truncate).toMatchObject({ syncs: 0, unsynced: [] });
  });

  test('a sync by a read is seen', async () => {
    expect((await countSyncs(() => tinyBuilder('syncs-reads'))).read.syncs).toBeGreaterThan(0);
  });

  test('a buffered append is left to the flush', async () => {
    const build = { durability: 'buffered' as const };
    const { persistEntries, flush } = await countSyncs(() => tinyBuilder(), { build });
    expect(persistEntries).toMatchObject({ syncs: 0, unsynced: ['log'] });
    expect(flush).toMatchObject({ syncs: 1, unsynced: [] });
    const broken = await countSyncs(() => tinyBuilder('forgets-sync'), { build });
    expect(broken.flush).toMatchObject({ syncs: 0, unsynced: ['log'] });
  });

  test('an engine that fails is no measurement', async () => {
    await expect(countSyncs(() => tinyBuilder('no-such-hard-state'))).rejects.toThrow(/no-such-hard-state/);
  });
});
