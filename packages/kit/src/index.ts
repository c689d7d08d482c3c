/**
 * Makes a storage engine out of a block store: for authors of adaptors.
 *
 * @packageDocumentation
 */

export { checkWhole, invalidArgument } from './argument.ts';
export type { Block, BlockStore, BlockStoreContext, Commit, OpenedBlocks } from './block-store.ts';
export { type CopyReport, copyStore } from './copy-store.ts';
export { type Adaptor, type AdaptorDefinition, type ClosableSnapshotStore, defineAdaptor } from './define-adaptor.ts';
export type { DiagnosticsEvents } from './diagnostics.ts';
export { controlFiles } from './directory/control-files.ts';
export type { HardStateStorage, SavedHardState } from './directory/hard-state-files.ts';
export type { EngineStats, KitStorageEngine } from './engine.ts';
export { crc32WithBlock } from './format/block.ts';
export { decodeBlockKey, encodeBlockKey } from './format/block-key.ts';
export { crc32 } from './format/checksum.ts';
export type { Compression, CustomCompression } from './format/compression.ts';
export { type LogFileEnd, type RecordEnds, readLogFile } from './format/log-file.ts';
export { nodeFileIo } from './io/node-file-io.ts';
export type { EngineOptions, StoreOptions } from './options.ts';
export { BaseSnapshotStore, type SnapshotDescription } from './snapshots/base-snapshot-store.ts';
export { ThreadedBlockStore } from './thread/threaded-block-store.ts';
