import { type Adaptor, checkWhole, defineAdaptor, type EngineOptions, invalidArgument } from '@raftlog/kit';
import { LevelBlocks, type LevelSettings } from './level-blocks.ts';

/** Options of {@link LevelStorageEngine}. What would take from the durability, or change the order of the keys, can't be set. */
export interface LevelOptions extends EngineOptions {
  /**
   * Size at which LevelDB turns its log file and the memory beside it into a table. Up to two of these are held in memory; more means fewer
   * tables to write and a longer open, which replays up to as much. 64 KiB to 1 GiB. Default: 4 MiB.
   */
  readonly writeBufferBytes?: number;
  /**
   * Memory for LevelDB's own cache of what it read from tables, on top of `cacheBytes`, which serves first and costs less per read. 0 for none,
   * up to 2 GiB. Default: 0.
   */
  readonly blockCacheBytes?: number;
  /** Size of the tables that a compaction writes. 1 MiB to 1 GiB. Default: 2 MiB. */
  readonly tableBytes?: number;
  /** Tables that LevelDB keeps open, a file descriptor each. 74 to 50,000. Default: 1,000. */
  readonly maxOpenFiles?: number;
  /**
   * What LevelDB compresses its tables with. `compression` compresses the log file too, and loses no more than one block where a byte of it is
   * damaged; choose one of them. Default: `none`.
   */
  readonly tableCompression?: 'none' | 'snappy';
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/**
 * Durable Raft storage in LevelDB.
 *
 * @example
 * ```ts
 * const engine = await LevelStorageEngine.open({ directory: 'data/node-1' });
 * try {
 *   await engine.logStore.persistEntries([{ index: 1, term: 1, kind: 'command', data: Buffer.from('x = 1') }]);
 * } finally {
 *   await engine.close();
 * }
 * ```
 */
export const LevelStorageEngine: Adaptor<LevelOptions> = defineAdaptor<LevelOptions>({
  name: '@raftlog/adaptor-level',
  // LevelDB has no call that syncs what was written without: nothing that `flush()` could honestly wait for.
  durability: ['sync'],
  keepsNoBlocks: true,
  checkOptions: settingsOf,
  blockStore: (options, context) => new LevelBlocks(context, settingsOf(options)),
});

/** The limits are LevelDB's own: it would silently put in the nearest one. */
function settingsOf(options: LevelOptions): LevelSettings {
  const { writeBufferBytes = 4 * MIB, blockCacheBytes = 0, tableBytes = 2 * MIB } = options;
  const { maxOpenFiles = 1000, tableCompression = 'none' } = options;
  if (tableCompression !== 'none' && tableCompression !== 'snappy') {
    throw invalidArgument('tableCompression', tableCompression, "'none' or 'snappy'");
  }
  return {
    writeBufferSize: checkWhole('writeBufferBytes', writeBufferBytes, 64 * KIB, GIB),
    cacheSize: checkWhole('blockCacheBytes', blockCacheBytes, 0, 2 * GIB),
    maxFileSize: checkWhole('tableBytes', tableBytes, MIB, GIB),
    maxOpenFiles: checkWhole('maxOpenFiles', maxOpenFiles, 74, 50_000),
    compression: tableCompression === 'snappy',
  };
}
