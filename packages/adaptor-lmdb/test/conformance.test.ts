import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { lmdbBuilder } from './support/lmdb-builder.ts';

describeStorageEngine('LMDB adaptor', () => lmdbBuilder(), { level: 1 });
describeStorageEngine('LMDB adaptor, compressed', () => lmdbBuilder({ compression: 'deflate' }), { level: 1 });
