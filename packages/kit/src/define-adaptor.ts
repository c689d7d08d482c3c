import type { Durability, SnapshotStore } from '@raftlog/core';
import type { BlockStore, BlockStoreContext } from './block-store.ts';
import type { HardStateStorage } from './directory/hard-state-files.ts';
import type { KitStorageEngine } from './engine.ts';
import { openEngine } from './open-engine.ts';
import type { StoreOptions } from './options.ts';

/** Snapshots that an adaptor keeps itself. */
export type ClosableSnapshotStore = SnapshotStore & { close(): Promise<void> };

/** What is different about an adaptor. */
export interface AdaptorDefinition<Options extends StoreOptions> {
  /** Package name; it is written into the directories that the adaptor makes. */
  readonly name: string;
  /** What a resolved write may be worth, the default first. */
  readonly durability: readonly Durability[];
  /** Throws on bad options of the adaptor's own (`INVALID_ARGUMENT`), before anything is made or locked. */
  readonly checkOptions?: (options: Options) => void;
  /** Makes the store, unopened. */
  readonly blockStore: (options: Options, context: BlockStoreContext) => BlockStore;
  /** False: the store is readable whole or not at all, and `onCorruption: 'salvage'` is refused. Default: true, unless `remote`. */
  readonly salvage?: boolean;
  /** True: the store keeps nothing of the `put` of a commit once that has resolved, so that the kit may use the memory again. Default: false. */
  readonly keepsNoBlocks?: boolean;
  /** Largest `data` of an entry that the store takes. Default: 64 MiB. */
  readonly maxEntryBytes?: number;
  /** Most bytes of entries (data and 12 bytes each) that one commit can take: a call that brings more is refused with `TOO_LARGE`. Default: no limit. */
  readonly maxCommitBytes?: number;
  /** For stores without a directory: where hard state and snapshots live. With it, `options.directory` isn't used, nothing is locked, and there is no witness. */
  readonly remote?: {
    readonly hardState: (options: Options) => Promise<HardStateStorage> | HardStateStorage;
    readonly snapshots: (options: Options) => Promise<ClosableSnapshotStore> | ClosableSnapshotStore;
  };
}

/** An adaptor: opens its engines. */
export interface Adaptor<Options> {
  readonly name: string;
  /**
   * Opens the engine, or makes it where there is none.
   *
   * Rejects with `LOCKED`, `FOREIGN_DIRECTORY`, `UNSUPPORTED_FORMAT`, `UNSUPPORTED`, `CORRUPTION`, `PERMISSION_DENIED`, `NO_SPACE`,
   * `INVALID_ARGUMENT`, `STORE_FAILED`; a directory that is refused is left as it was.
   */
  open(options: Options): Promise<KitStorageEngine>;
}

/**
 * Makes a storage engine out of a block store.
 *
 * @example
 * ```ts
 * export const MyStorageEngine: Adaptor<EngineOptions> = defineAdaptor<EngineOptions>({
 *   name: 'my-adaptor',
 *   durability: ['sync'],
 *   blockStore: (_options, context) => new MyBlocks(context.directory),
 * });
 * const engine = await MyStorageEngine.open({ directory: 'data' });
 * ```
 */
export function defineAdaptor<Options extends StoreOptions>(definition: AdaptorDefinition<Options>): Adaptor<Options> {
  return { name: definition.name, open: (options) => openEngine(definition, options) };
}
