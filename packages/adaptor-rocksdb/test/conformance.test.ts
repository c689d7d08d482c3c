import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { rocksdbBuilder } from './support/rocksdb-builder.ts';

// Every open starts a thread: tens of milliseconds, and there are thousands of them.
const options = { level: 1, timeoutFactor: 3 };

describeStorageEngine('RocksDB adaptor, sync', () => rocksdbBuilder(), options);
describeStorageEngine('RocksDB adaptor, sync, compressed', () => rocksdbBuilder({ compression: 'deflate' }), options);
describeStorageEngine('RocksDB adaptor, buffered', () => rocksdbBuilder({ durability: 'buffered' }), options);
