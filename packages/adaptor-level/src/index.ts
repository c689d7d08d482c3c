/**
 * Durable Raft storage in LevelDB, through `classic-level`.
 *
 * @packageDocumentation
 */
export * from '@raftlog/core';
export { type LevelOptions, LevelStorageEngine } from './level-storage-engine.ts';
