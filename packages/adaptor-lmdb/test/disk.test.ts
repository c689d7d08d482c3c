import { countSyncs } from '@raftlog/crash-lab';
import { describeFailingDisk, describeSyncs, describeUnderStrace } from '@raftlog/crash-lab/vitest';
import { expect, test } from 'vitest';
import { lmdbBuilder } from './support/lmdb-builder.ts';

// LMDB's table of readers: made anew by each process that opens the database.
const ignore = /(^|\/)lock\.mdb$/;

describeSyncs('the LMDB adaptor', () => lmdbBuilder(), { ignore });
// A failed write of pages may end the process: see driver.test.ts.
describeFailingDisk('the LMDB adaptor', () => lmdbBuilder(), { ignore, mayEndWith: ['SIGABRT', 'SIGSEGV'] });

describeUnderStrace('the LMDB adaptor', () => {
  test('each commit is one transaction: the pages, their fdatasync, and the meta page written through', async () => {
    const { persistEntries, truncate, replaceRange, reset } = await countSyncs(() => lmdbBuilder(), { ignore });
    for (const { calls } of [persistEntries, truncate, replaceRange, reset]) {
      const ofDatabase = calls.filter(({ path }) => path === 'blocks/data.mdb');
      expect(ofDatabase.map(({ name }) => name.replace(/^(pwrite64|pwritev|writev)$/, 'write')).join(' ')).toMatch(
        /^(lseek |write )+fdatasync write$/,
      );
      expect(ofDatabase.at(-1)).toMatchObject({ name: 'pwrite64', writesThrough: true });
    }
  });
});
