import { type IndexRange, isStorageError, StorageError } from '@raftlog/core';
import type { Block, BlockStore } from '../block-store.ts';
import { EntryBlock } from '../format/block.ts';
import type { BufferPool } from '../format/buffer-pool.ts';
import type { BlockCodec } from '../format/compression.ts';
import { BlockCache } from './block-cache.ts';

// One read of the store: large enough that its cost is the bytes and not the call, small enough to decode without a stall.
const READ_BYTES = 1024 * 1024;

// What is read ahead at open.
const WARM_BYTES = 4 * 1024 * 1024;
const WARM_BLOCKS = 1024;
const WARM_GROWTH = 4;

/** A block as it came back from the store, or what is wrong with it. */
export type CheckedBlock =
  | { readonly key: number; readonly block: EntryBlock }
  | { readonly key: number; readonly error: unknown };

/** The committed blocks: the store, its checks and the cache in front of it. */
export class StoredBlocks {
  readonly #store: BlockStore;
  readonly #codec: BlockCodec;
  readonly cache: BlockCache;
  reads = 0;

  constructor(store: BlockStore, codec: BlockCodec, cacheBytes: number, pool: BufferPool | undefined) {
    this.#store = store;
    this.#codec = codec;
    this.cache = new BlockCache(cacheBytes, pool);
  }

  /** Reads blocks from the one that covers `first` on, towards the one that covers `last`; each checked, the damaged ones named. */
  async readChecked(first: number, last: number, maxBytes: number = READ_BYTES): Promise<CheckedBlock[]> {
    const blocks = await this.#read(first, last, Math.min(maxBytes, READ_BYTES));
    const checked: CheckedBlock[] = [];
    for (const stored of blocks) {
      try {
        const decoded = this.#codec.decode(stored.bytes);
        const block = decoded instanceof EntryBlock ? decoded : await decoded;
        if (block.last !== stored.key) throw misplaced(block, stored.key);
        checked.push({ key: stored.key, block });
      } catch (error) {
        // What this engine can't decode (a codec it doesn't have, a newer format) is not damaged, and must not be taken for it.
        if (!isStorageError(error, 'CORRUPTION')) throw error;
        checked.push({ key: stored.key, error });
      }
    }
    return checked;
  }

  /** As `readChecked`, but whole blocks only: the first damaged one rejects. */
  async read(first: number, last: number, maxBytes?: number): Promise<EntryBlock[]> {
    return (await this.readChecked(first, last, maxBytes)).map((checked) => {
      if ('block' in checked) return checked.block;
      throw damaged({ first, last: checked.key }, checked.error);
    });
  }

  /** The committed block that covers `index`, as the store has it, if there is one. */
  async covering(index: number): Promise<EntryBlock | undefined> {
    const block = (await this.read(index, index, 1))[0];
    return block !== undefined && block.first <= index ? block : undefined;
  }

  /**
   * Brings the end of the log into memory: what a node reads first when it comes back, to serve followers and to apply. A few
   * milliseconds of reading; half of the cache at most.
   */
  async warm(first: number, last: number): Promise<void> {
    const wanted = Math.min(WARM_BYTES, this.cache.limit / 2);
    if (wanted < READ_BYTES) return;
    // Backwards, for how far back that is can't be known: each step asks for as many entries as the one before showed to fit, or a
    // few times as many as it had. Where they turn out to be larger, the read ends early, and the step is tried again shorter.
    const found: EntryBlock[] = [];
    let bytes = 0;
    let next = last; // everything above is found
    let entries = 1;
    // Blocks of one small entry are many, so their number is bounded too.
    while (next >= first && bytes < wanted && found.length < WARM_BLOCKS) {
      const from = Math.max(first, next - entries + 1);
      const blocks = await this.read(from, next);
      const lowest = blocks[0]?.first ?? Number.POSITIVE_INFINITY;
      const reached = blocks.at(-1)?.last ?? 0;
      if (reached < next && from < next) {
        entries = Math.ceil((next - from + 1) / WARM_GROWTH);
        continue;
      }
      // There is a hole: whoever reads there is told.
      if (reached < next || lowest > next) break;
      const read = blocks.reduce((sum, block) => sum + block.payloadBytes, 0);
      const count = reached - lowest + 1;
      found.unshift(...blocks);
      bytes += read;
      next = lowest - 1;
      entries = Math.max(1, Math.min(count * WARM_GROWTH, Math.floor((count * READ_BYTES) / read)));
    }
    for (const block of found) this.cache.append(block);
  }

  async #read(first: number, last: number, maxBytes: number): Promise<Block[]> {
    this.reads++;
    try {
      return await this.#store.readBlocks(first, last, maxBytes);
    } catch (error) {
      if (isStorageError(error, 'CORRUPTION')) throw error;
      throw new StorageError(
        'STORE_FAILED',
        `Entries ${first} to ${last} could not be read from the store. Check the disk, then try again.`,
        { operation: 'read' },
        { cause: error },
      );
    }
  }
}

/** The one error for entries that should be there and aren't, or aren't what was written. */
export function damaged(lostRange: IndexRange, cause?: unknown): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `Entries ${lostRange.first} to ${lostRange.last} are damaged or missing in the store. Nothing was changed. Open with onCorruption: 'salvage' and repair them from a peer, or restore a backup.`,
    { lostRange },
    cause === undefined ? undefined : { cause },
  );
}

function misplaced(block: EntryBlock, key: number): StorageError<'CORRUPTION'> {
  return damaged({ first: block.first, last: Math.max(block.last, key) });
}
