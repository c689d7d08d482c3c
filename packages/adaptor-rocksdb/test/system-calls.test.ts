import { describeSyncs } from '@raftlog/crash-lab/vitest';
import { rocksdbBuilder } from './support/rocksdb-builder.ts';

describeSyncs('the RocksDB adaptor', () => rocksdbBuilder());
