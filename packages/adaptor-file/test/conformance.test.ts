import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { fileBuilder } from './support/file-builder.ts';

describeStorageEngine('file adaptor, sync', () => fileBuilder('sync'), { level: 1 });
describeStorageEngine('file adaptor, buffered', () => fileBuilder('buffered'), { level: 1 });
