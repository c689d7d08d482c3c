import { describeStorageEngine } from '@raftlog/core/conformance/vitest';
import { sqliteBuilder } from './support/sqlite-builder.ts';

describeStorageEngine('SQLite adaptor, sync', () => sqliteBuilder(), { level: 1 });
describeStorageEngine('SQLite adaptor, sync, compressed', () => sqliteBuilder({ compression: 'deflate' }), {
  level: 1,
});
describeStorageEngine('SQLite adaptor, buffered', () => sqliteBuilder({ durability: 'buffered' }), { level: 1 });
describeStorageEngine(
  'SQLite adaptor, buffered, compressed',
  () => sqliteBuilder({ durability: 'buffered', compression: 'deflate' }),
  { level: 1 },
);
