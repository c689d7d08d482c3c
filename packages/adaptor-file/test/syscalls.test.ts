import { countSyncs } from '@raftlog/crash-lab';
import { describeSyncs, describeUnderStrace } from '@raftlog/crash-lab/vitest';
import { expect, test } from 'vitest';
import { fileBuilder } from './support/file-builder.ts';

describeSyncs('the file adaptor', () => fileBuilder('sync'));

describeUnderStrace('the file adaptor', () => {
  test('one durable write per commit, and the directory synced before the first', async () => {
    const { open, persistEntries, purge } = await countSyncs(() => fileBuilder('sync'));
    const creation = open.calls.filter(({ path }) => path.startsWith('blocks'));
    const start = creation.findIndex(({ name, path }) => name === 'openat' && path.endsWith('.tmp'));
    expect(creation[start]?.args).toContain('O_DSYNC');
    const order = creation.slice(start).filter(({ name }) => /^(pwrite|pwritev|write|rename|fsync)/.test(name));
    const [header, renamed, synced, first] = order;
    expect(header).toMatchObject({ name: 'pwrite64', path: 'blocks/0000000001.tmp', writesThrough: true });
    expect(renamed).toMatchObject({ from: 'blocks/0000000001.tmp', path: 'blocks/0000000001.log' });
    expect(synced).toMatchObject({ name: 'fsync', path: 'blocks' });
    expect(first).toMatchObject({ path: 'blocks/0000000001.log', writesThrough: true });
    for (const { calls } of [persistEntries, purge]) {
      expect(calls).toMatchObject([{ name: expect.stringMatching(/^pwrite/), writesThrough: true }]);
    }
  });
});
