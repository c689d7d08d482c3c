import { describeStorageEngine } from '@raftlog/core/conformance/node-test';
import { DirectBuilder } from './direct-builder.ts';

await describeStorageEngine('the direct engine', () => new DirectBuilder(), { level: 1 });
