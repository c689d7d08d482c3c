import { describeSyncs } from '@raftlog/disk-lab';
import { rocksdbBuilder } from './support/rocksdb-builder.ts';

describeSyncs('the RocksDB adaptor', () => rocksdbBuilder());
