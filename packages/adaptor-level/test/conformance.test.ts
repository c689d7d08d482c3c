import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { levelBuilder } from './support/level-builder.ts';

describeStorageEngine('level adaptor', () => levelBuilder(), { level: 1 });
describeStorageEngine('level adaptor, compressed', () => levelBuilder({ compression: 'deflate' }), { level: 1 });
