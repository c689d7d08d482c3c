import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { MemoryBuilder } from './memory-builder.ts';

describeStorageEngine('@raftlog/adaptor-memory', () => new MemoryBuilder(), { level: 1 });
