import { describeStorageEngine } from '@raftlog/core/conformance/node-test';
import { directBuilder } from './direct-builder.ts';

await describeStorageEngine('the direct engine', directBuilder, { level: 1 });
