/**
 * Durable Raft storage in RocksDB.
 *
 * @packageDocumentation
 */
export * from '@raftlog/core';
export { type RocksdbOptions, RocksdbStorageEngine } from './rocksdb-storage-engine.ts';
