import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { FileBuilder } from './support/file-builder.ts';

describeStorageEngine('file adaptor, sync', () => FileBuilder.make('sync'), { level: 1 });
describeStorageEngine('file adaptor, buffered', () => FileBuilder.make('buffered'), { level: 1 });
