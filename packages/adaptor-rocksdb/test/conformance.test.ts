import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { rocksdbBuilder } from './support/rocksdb-builder.ts';

describeStorageEngine('RocksDB adaptor, sync', () => rocksdbBuilder(), { level: 1 });
describeStorageEngine('RocksDB adaptor, buffered', () => rocksdbBuilder({ durability: 'buffered' }), { level: 1 });
describeStorageEngine('RocksDB adaptor, compressed', () => rocksdbBuilder({ compression: 'deflate' }), { level: 1 });
