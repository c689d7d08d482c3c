/**
 * Durable Raft storage in a segmented write-ahead log.
 *
 * @packageDocumentation
 */
export * from '@raftlog/core';
export { type FileOptions, FileStorageEngine } from './file-storage-engine.ts';
