// The built package, here and everywhere in these tests: a worker thread has no loader for TypeScript.
import { type SqliteOptions, SqliteStorageEngine } from '@raftlog/adaptor-sqlite';
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';

/** As open.mjs has them. */
const SMALL: Partial<SqliteOptions> = {
  pageBytes: 512,
  pageCacheBytes: 64 * 1024,
  walBytes: 64 * 1024,
  cacheBytes: 8 * 1024,
};

/** The SQLite adaptor, as the conformance suite judges it. */
export function sqliteBuilder(settings: Partial<SqliteOptions> = {}): DirectoryBuilder {
  return new DirectoryBuilder({
    open: (directory, { small, ...options }) =>
      SqliteStorageEngine.open({ directory, ...settings, ...options, ...(small ? SMALL : {}) }),
    module: new URL('./open.mjs', import.meta.url),
    offersBuffered: true,
    files: controlFiles,
  });
}
