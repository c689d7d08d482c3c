/**
 * The contract between a Raft node and its storage.
 *
 * @packageDocumentation
 */
export type { Capabilities, Durability } from './capabilities.ts';
export {
  type Entry,
  type EntryKind,
  type HardState,
  type IndexRange,
  type LogId,
  MAX_INDEX,
  MAX_TERM,
} from './entry.ts';
export {
  type AnyStorageError,
  isStorageError,
  StorageError,
  type StorageErrorCode,
  type StorageErrorDetails,
} from './errors.ts';
export type { FileHandle, FileIo, FileLock, OpenFileOptions } from './file-io.ts';
export { encodedEntryBytes, type LogStore, type ReadOptions, type StreamOptions } from './log-store.ts';
export type { MetaStore } from './meta-store.ts';
export type { SnapshotInfo, SnapshotMeta, SnapshotStore } from './snapshot-store.ts';
export type { StorageEngine, WriteBatch } from './storage-engine.ts';
