import { type Adaptor, defineAdaptor, type StoreOptions } from '@raftlog/kit';
import { MemoryBlocks } from './memory-blocks.ts';
import { MemoryHardState } from './memory-hard-state.ts';
import { MemorySnapshots } from './memory-snapshots.ts';

/** Options of {@link MemoryStorageEngine}. */
export type MemoryOptions = StoreOptions;

/**
 * A storage engine that keeps everything in memory and forgets it at `close`. It obeys the whole contract but
 * durability: `isWriteDurable` is false and `durableIndex` 0.
 *
 * @example
 * ```ts
 * const engine = await MemoryStorageEngine.open({});
 * ```
 */
export const MemoryStorageEngine: Adaptor<MemoryOptions> = defineAdaptor<MemoryOptions>({
  name: '@raftlog/adaptor-memory',
  durability: ['volatile'],
  blockStore: () => new MemoryBlocks(),
  remote: { hardState: () => new MemoryHardState(), snapshots: () => new MemorySnapshots() },
});
