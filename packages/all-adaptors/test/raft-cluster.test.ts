import { LevelStorageEngine } from '@raftlog/adaptor-level';
import { LmdbStorageEngine } from '@raftlog/adaptor-lmdb';
import { RocksdbStorageEngine } from '@raftlog/adaptor-rocksdb';
import { SqliteStorageEngine } from '@raftlog/adaptor-sqlite';
import { describeCluster } from '../../node/test/support/describe-cluster.ts';

const DATABASES = {
  level: LevelStorageEngine,
  lmdb: LmdbStorageEngine,
  rocksdb: RocksdbStorageEngine,
  sqlite: SqliteStorageEngine,
};

for (const [name, database] of Object.entries(DATABASES)) {
  describeCluster({ name, open: (directory) => database.open({ directory }), isVolatile: false });
}
