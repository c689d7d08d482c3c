/**
 * Durable Raft storage in LMDB.
 *
 * @packageDocumentation
 */
export * from '@raftlog/core';
export { type LmdbOptions, LmdbStorageEngine } from './lmdb-storage-engine.ts';
