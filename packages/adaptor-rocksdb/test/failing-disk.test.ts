import { describeFailingDisk } from '@raftlog/disk-lab';
import { rocksdbBuilder } from './support/rocksdb-builder.ts';

describeFailingDisk('the RocksDB adaptor', () => rocksdbBuilder());
