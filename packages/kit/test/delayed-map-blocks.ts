import type { IndexRange } from '@raftlog/core';
import type { Block, BlockStore, Commit, OpenedBlocks } from '../src/index.ts';

/** What survives of a {@link DelayedMapBlocks}: hand it to the next one to reopen the same place. */
export interface StoredState {
  blocks: Map<number, Uint8Array>;
  header: Uint8Array | undefined;
  /** What the store says is lost when it is opened for salvage. */
  damagedRanges?: readonly IndexRange[];
}

/** A block store whose calls take a random number of turns, so that calls of the engine meet in all orders. */
export class DelayedMapBlocks implements BlockStore {
  readonly state: StoredState;
  readonly #turns: () => number;
  #closed = false;
  /** Throws before the commit takes effect, when it returns an error. */
  failNext: () => Error | undefined = () => undefined;
  commits = 0;

  constructor(state: StoredState, turns: () => number) {
    this.state = state;
    this.#turns = turns;
  }

  async open(): Promise<OpenedBlocks> {
    const keys = [...this.state.blocks.keys()];
    const { header, damagedRanges = [] } = this.state;
    return { header, lastIndex: keys.length === 0 ? undefined : Math.max(...keys), damagedRanges };
  }

  async commit({ removeFrom = Number.POSITIVE_INFINITY, removeThrough = 0, put, header }: Commit): Promise<void> {
    await this.#delay();
    const error = this.failNext();
    if (error !== undefined) throw error;
    for (const key of [...this.state.blocks.keys()]) {
      if (key >= removeFrom || key <= removeThrough) this.state.blocks.delete(key);
    }
    for (const { key, bytes } of put) this.state.blocks.set(key, bytes.slice());
    this.state.header = header;
    this.commits++;
    await this.#delay();
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    if (this.#closed) throw new Error('the store is closed');
    await this.#delay();
    const found: Block[] = [];
    let bytes = 0;
    for (const key of [...this.state.blocks.keys()].sort((a, b) => a - b)) {
      if (key < first) continue;
      const block = this.state.blocks.get(key) as Uint8Array;
      found.push({ key, bytes: block });
      bytes += block.length;
      if (key >= last || bytes >= maxBytes) break;
    }
    await this.#delay();
    return found;
  }

  async sync(): Promise<void> {
    await this.#delay();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #delay(): Promise<void> {
    for (let turn = this.#turns(); turn > 0; turn--) await (turn % 3 === 0 ? new Promise(setImmediate) : null);
  }
}
