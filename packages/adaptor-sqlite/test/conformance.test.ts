import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { sqliteBuilder } from './support/sqlite-builder.ts';

// Every open starts a thread: tens of milliseconds, and there are thousands of them.
const options = { level: 1, timeoutFactor: 3 };

describeStorageEngine('SQLite adaptor, sync', () => sqliteBuilder(), options);
describeStorageEngine('SQLite adaptor, sync, compressed', () => sqliteBuilder({ compression: 'deflate' }), options);
describeStorageEngine('SQLite adaptor, buffered', () => sqliteBuilder({ durability: 'buffered' }), options);
