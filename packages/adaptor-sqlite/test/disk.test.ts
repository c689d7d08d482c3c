import { countSyncs, type SyncCount } from '@raftlog/crash-lab';
import { describeFailingDisk, describeSyncs, describeUnderStrace } from '@raftlog/crash-lab/vitest';
import { expect, test } from 'vitest';
import { writeAndKill } from './support/place.ts';
import { sqliteBuilder } from './support/sqlite-builder.ts';

// SQLite keeps the index of its WAL in shared memory, whose file nobody needs after a crash: it is made anew.
describeSyncs('the SQLite adaptor', () => sqliteBuilder());
describeFailingDisk('the SQLite adaptor', () => sqliteBuilder());

describeUnderStrace('the SQLite adaptor', () => {
  test('a commit is some frames at the end of the write-ahead log and one sync of it', async () => {
    const { persistEntries, truncate, replaceRange, reset } = await countSyncs(() => sqliteBuilder());
    for (const count of [persistEntries, truncate, replaceRange, reset])
      expect(writesAndSyncs(count)).toMatch(/^(write blocks\/blocks.db-wal, )+sync blocks\/blocks.db-wal$/);
  });

  test('in buffered mode it is not synced, and a flush is one more commit with one sync', async () => {
    const build = { durability: 'buffered' as const };
    const { persistEntries, flush } = await countSyncs(() => sqliteBuilder(), { build });
    expect(writesAndSyncs(persistEntries)).toMatch(/^write blocks\/blocks.db-wal(, write blocks\/blocks.db-wal)*$/);
    expect(writesAndSyncs(flush)).toMatch(/^(write blocks\/blocks.db-wal, )+sync blocks\/blocks.db-wal$/);
  });

  test('what a killed process left is written into the database and synced before it is served', async () => {
    const killed = async (): Promise<ReturnType<typeof sqliteBuilder>> => {
      const builder = sqliteBuilder();
      // Its log is empty, for what is done next; the header of its first commit is in the WAL.
      await writeAndKill(builder.directory, 0, 0);
      return builder;
    };
    const { open } = await countSyncs(killed);
    expect(writesAndSyncs(open)).toMatch(
      /(write blocks\/blocks.db, )+sync blocks\/blocks.db(, sync blocks\/blocks.db-wal)?$/,
    );
  });
});

/** What a call did to SQLite's files. */
function writesAndSyncs({ calls }: SyncCount): string {
  const kinds = { pwrite64: 'write', fsync: 'sync', fdatasync: 'sync' };
  return calls
    .filter(({ name, path }) => name in kinds && /\.db(-wal)?$/.test(path))
    .map(({ name, path }) => `${kinds[name as keyof typeof kinds]} ${path}`)
    .join(', ');
}
