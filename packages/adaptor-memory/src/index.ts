/**
 * Raft log storage in memory: for tests, simulations, and nodes that start from nothing.
 *
 * @packageDocumentation
 */
export * from '@raftlog/core';
export { type MemoryOptions, MemoryStorageEngine } from './memory-storage-engine.ts';
