import type { FileIo } from '@raftlog/core';
import { invalidArgument } from './argument.ts';
import type { Compression } from './format/compression.ts';

/** Options that every engine of the kit takes. */
export interface StoreOptions {
  /** Bytes that may be accepted but not yet committed; beyond it calls reject with `BUSY`. Default: 64 MiB. */
  readonly maxPendingBytes?: number;
  /** Memory for blocks that were used last, decoded entries included; 0 for none. Default: 8 MiB. */
  readonly cacheBytes?: number;
  /** Compress the blocks. Can be changed from one open to the next. Default: `none`. */
  readonly compression?: Compression;
}

/** Options that every engine with a directory takes. */
export interface EngineOptions extends StoreOptions {
  /** Made if it is missing. Belongs to one engine at a time. */
  readonly directory: string;
  /** What a resolved `persistEntries` is worth; `buffered` where the adaptor offers it. Default: `sync`. */
  readonly durability?: 'sync' | 'buffered';
  /** What to do with a damaged log. `refuse` (default): reject with `CORRUPTION` and change nothing. `salvage`: open, with `damagedRanges` to be repaired. */
  readonly onCorruption?: 'refuse' | 'salvage';
  /** Stands in for the file system, in tests. */
  readonly fileIo?: FileIo;
}

const MIB = 1024 * 1024;

/** The options with their defaults, each checked. */
export function resolveOptions(options: StoreOptions & Partial<EngineOptions>): {
  readonly maxPendingBytes: number;
  readonly cacheBytes: number;
  readonly compression: Compression;
  readonly salvage: boolean;
} {
  if (typeof options !== 'object' || options === null) throw invalidArgument('options', options, 'an object');
  const { maxPendingBytes = 64 * MIB, cacheBytes = 8 * MIB, compression = 'none', onCorruption = 'refuse' } = options;
  if (!Number.isSafeInteger(maxPendingBytes) || maxPendingBytes < 1)
    throw invalidArgument('maxPendingBytes', maxPendingBytes, 'a positive number of bytes');
  if (!Number.isSafeInteger(cacheBytes) || cacheBytes < 0)
    throw invalidArgument('cacheBytes', cacheBytes, 'a number of bytes, 0 for none');
  if (onCorruption !== 'refuse' && onCorruption !== 'salvage')
    throw invalidArgument('onCorruption', onCorruption, "'refuse' or 'salvage'");
  const isCustom =
    typeof compression === 'object' &&
    typeof compression?.compress === 'function' &&
    typeof compression.decompress === 'function';
  if (!isCustom && compression !== 'none' && compression !== 'deflate' && compression !== 'zstd') {
    throw invalidArgument('compression', compression, "'none', 'deflate', 'zstd' or { compress, decompress }");
  }
  return { maxPendingBytes, cacheBytes, compression, salvage: onCorruption === 'salvage' };
}
