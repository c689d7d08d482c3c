// The compiled package, as everybody imports it: the thread of the database runs nothing else.
import { type RocksdbOptions, RocksdbStorageEngine } from '@raftlog/adaptor-rocksdb';
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { controlFiles } from '@raftlog/kit';

/** As open.mjs has them. */
const SMALL = { writeBufferBytes: 1024 * 1024, cacheBytes: 8 * 1024 };

/** The RocksDB adaptor, as the conformance suite judges it. */
export function rocksdbBuilder(settings: Partial<RocksdbOptions> = {}): DirectoryBuilder {
  return new DirectoryBuilder({
    open: (directory, { small, ...options }) =>
      RocksdbStorageEngine.open({ directory, ...settings, ...options, ...(small ? SMALL : {}) }),
    module: new URL('./open.mjs', import.meta.url),
    offersBuffered: true,
    files: controlFiles,
  });
}
