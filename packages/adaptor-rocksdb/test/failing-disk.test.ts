import { describeFailingDisk } from '@raftlog/crash-lab/vitest';
import { rocksdbBuilder } from './support/rocksdb-builder.ts';

describeFailingDisk('the RocksDB adaptor', () => rocksdbBuilder());
