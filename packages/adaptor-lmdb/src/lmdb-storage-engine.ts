import { endianness } from 'node:os';
import { StorageError } from '@raftlog/core';
import { type Adaptor, checkWhole, defineAdaptor, type EngineOptions, invalidArgument } from '@raftlog/kit';
import { LmdbBlocks } from './lmdb-blocks.ts';
import type { LmdbSettings } from './lmdb-environment.ts';

/** Options of {@link LmdbStorageEngine}. */
export interface LmdbOptions extends EngineOptions {
  /**
   * Address space, in bytes, that is set aside for the database; it costs neither memory nor disk. Not a limit: a database that outgrows it is
   * mapped anew, twice as large, and the old mapping stays until the engine is closed. 1 MiB to 16 TiB. Default: 64 GiB.
   */
  readonly mapSize?: number;
  /** Bytes of a page of a database that is made now: a power of two from 4 KiB to 64 KiB. An existing database keeps its own. Default: that of the operating system. */
  readonly pageSize?: number;
}

const KIB = 1024;
const GIB = KIB ** 3;
const MAP_SIZE = { least: KIB * KIB, most: 16 * KIB * GIB, usual: 64 * GIB };
const PAGE_SIZES = [4, 8, 16, 32, 64].map((size) => size * KIB);
// The files of others look different, and could not be checked.
const IS_SUPPORTED = endianness() === 'LE' && !['arm', 'ia32', 'mipsel'].includes(process.arch);

/**
 * Durable Raft storage in LMDB, a memory-mapped B+tree: every commit is one transaction, synced off the event loop.
 *
 * @example
 * ```ts
 * const engine = await LmdbStorageEngine.open({ directory: 'data/node-1' });
 * try {
 *   await engine.logStore.persistEntries([{ index: 1, term: 1, kind: 'command', data: Buffer.from('x = 1') }]);
 * } finally {
 *   await engine.close();
 * }
 * ```
 */
export const LmdbStorageEngine: Adaptor<LmdbOptions> = defineAdaptor<LmdbOptions>({
  name: '@raftlog/adaptor-lmdb',
  // Not `buffered`: LMDB can do without the sync of its meta page, but not without that of the other pages, or a power cut may take the whole
  // database. So a commit would wait for the device all the same.
  durability: ['sync'],
  keepsNoBlocks: true,
  checkOptions: settingsOf,
  blockStore: (options, context) => new LmdbBlocks(context, settingsOf(options)),
});

function settingsOf({ mapSize = MAP_SIZE.usual, pageSize }: LmdbOptions): LmdbSettings {
  if (!IS_SUPPORTED) {
    throw new StorageError(
      'UNSUPPORTED',
      'The LMDB adaptor runs on 64-bit little-endian systems only. Take another adaptor.',
      {
        feature: process.arch,
      },
    );
  }
  if (pageSize !== undefined && !PAGE_SIZES.includes(pageSize)) {
    throw invalidArgument('pageSize', pageSize, `one of ${PAGE_SIZES.join(', ')}`);
  }
  return { mapSize: checkWhole('mapSize', mapSize, MAP_SIZE.least, MAP_SIZE.most), pageSize };
}
