import type { Entry } from '@raftlog/core';
import { expect } from 'vitest';
import { type AdaptorDefinition, defineAdaptor, type EngineOptions, type KitStorageEngine } from '../../src/index.ts';
import { DelayedMapBlocks, type StoredState } from '../delayed-map-blocks.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/**
 * A place for an engine of the kit whose blocks live in memory, so that a test can lose or damage what a database would: hard state, witness,
 * marker and lock are real files.
 */
export class MapPlace {
  readonly directory: string = temporaryDirectory();
  stored: StoredState = { blocks: new Map(), header: undefined };
  /** The store of the engine that was opened last. */
  store: DelayedMapBlocks | undefined;
  /** Turns that each call of the store takes. */
  turns = 1;
  readonly #definition: Partial<AdaptorDefinition<EngineOptions>>;

  constructor(definition: Partial<AdaptorDefinition<EngineOptions>> = {}) {
    this.#definition = definition;
  }

  open(options: Partial<EngineOptions> = {}): Promise<KitStorageEngine> {
    return defineAdaptor<EngineOptions>({
      name: 'in-memory-blocks',
      durability: ['sync', 'buffered'],
      blockStore: () => {
        this.store = new DelayedMapBlocks(this.stored, () => this.turns);
        return this.store;
      },
      ...this.#definition,
    }).open({ directory: this.directory, ...options });
  }

  salvage(): Promise<KitStorageEngine> {
    return this.open({ onCorruption: 'salvage' });
  }

  /** Opens an engine for `use`, and closes it. */
  async with<T>(use: (engine: KitStorageEngine) => Promise<T>, options: Partial<EngineOptions> = {}): Promise<T> {
    const engine = await this.open(options);
    try {
      return await use(engine);
    } finally {
      await engine.close();
    }
  }

  /** Ten entries of three terms, three to a block: keys 3, 6, 9 and 10. */
  async fill(): Promise<void> {
    await this.with(async ({ metaStore, logStore }) => {
      await metaStore.saveHardState({ currentTerm: 3, votedFor: 'a' });
      await logStore.persistEntries([...entries(1, 4, 1), ...entries(5, 7, 2), ...entries(8, 10, 3)]);
    });
    expect([...this.stored.blocks.keys()]).toEqual([3, 6, 9, 10]);
  }

  /** What the store holds now; assigned to `stored` later, everything since is lost in silence. */
  copy(): StoredState {
    return { blocks: new Map(this.stored.blocks), header: this.stored.header };
  }

  damage(key: number): void {
    const bytes = Uint8Array.from(this.stored.blocks.get(key) as Uint8Array);
    bytes[100] = (bytes[100] as number) ^ 1;
    this.stored.blocks.set(key, bytes);
  }
}

/** Entries of `bytes` bytes; with the default, three to a block. */
export function entries(first: number, last: number, term: number, bytes = 20_000): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, position) => ({
    index: first + position,
    term,
    kind: 'command',
    data: new Uint8Array(bytes).fill(first + position),
  }));
}

/** Index and term of each entry, as `5/2`. */
export function shown(found: readonly Entry[]): string[] {
  return found.map(({ index, term }) => `${index}/${term}`);
}
