/**
 * Durable Raft storage in SQLite, which works in a thread of its own.
 *
 * @packageDocumentation
 */
export * from '@raftlog/core';
export { type SqliteOptions, SqliteStorageEngine } from './sqlite-storage-engine.ts';
