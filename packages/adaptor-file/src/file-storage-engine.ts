import { type Adaptor, checkWhole, defineAdaptor, type EngineOptions } from '@raftlog/kit';
import { FileBlocks } from './file-blocks.ts';
import { MAX_BODY_BYTES } from './segment-format.ts';

/** Options of {@link FileStorageEngine}. */
export interface FileOptions extends EngineOptions {
  /**
   * Size of a segment file; purged space comes back in pieces of this size. 64 KiB to 1 GiB; can be changed from one open to the next.
   * Default: 64 MiB.
   */
  readonly segmentBytes?: number;
}

const KIB = 1024;
const MIN_SEGMENT_BYTES = 64 * KIB;
const MAX_SEGMENT_BYTES = 1024 * KIB * KIB;
const DEFAULT_SEGMENT_BYTES = 64 * KIB * KIB;

/** Room in a record for the headers of the blocks, and for a block that a truncation puts back: of full blocks they are a thousandth. */
const OVERHEAD_BYTES = 16 * KIB * KIB;

/**
 * Durable Raft storage in a segmented write-ahead log: no native database, one write to the disk per commit.
 *
 * @example
 * ```ts
 * const engine = await FileStorageEngine.open({ directory: 'data/node-1' });
 * try {
 *   await engine.logStore.persistEntries([{ index: 1, term: 1, kind: 'command', data: Buffer.from('x = 1') }]);
 * } finally {
 *   await engine.close();
 * }
 * ```
 */
export const FileStorageEngine: Adaptor<FileOptions> = defineAdaptor<FileOptions>({
  name: '@raftlog/adaptor-file',
  durability: ['sync', 'buffered'],
  keepsNoBlocks: true,
  maxCommitBytes: MAX_BODY_BYTES - OVERHEAD_BYTES,
  checkOptions: segmentBytesOf,
  blockStore: (options, context) => new FileBlocks(context, { segmentBytes: segmentBytesOf(options) }),
});

function segmentBytesOf({ segmentBytes = DEFAULT_SEGMENT_BYTES }: FileOptions): number {
  return checkWhole('segmentBytes', segmentBytes, MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
}
