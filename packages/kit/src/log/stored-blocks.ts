import { type IndexRange, StorageError } from '@raftlog/core';
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
  #open: Set<Promise<unknown>> = new Set();

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
    const tail = await this.covering(last);
    if (tail === undefined || wanted < READ_BYTES) return;
    // How far back that is can only be guessed from the last block; blocks of one entry are many, so their number is bounded too.
    const entries = Math.min(WARM_BLOCKS * tail.count, Math.floor((wanted * tail.count) / (tail.payloadBytes + 1)));
    let next = Math.max(first, last - entries);
    for (let bytes = 0; next <= last && bytes < wanted; ) {
      const blocks = await this.read(next, last);
      if (blocks.length === 0) return;
      for (const block of blocks) {
        this.cache.append(block);
        bytes += block.payloadBytes;
        next = block.last + 1;
      }
    }
  }

  async #read(first: number, last: number, maxBytes: number): Promise<Block[]> {
    this.reads++;
    const reading = this.#store.readBlocks(first, last, maxBytes);
    this.#open.add(reading);
    try {
      return await reading;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'CORRUPTION') throw error;
      throw new StorageError(
        'STORE_FAILED',
        `Entries ${first} to ${last} could not be read from the store. Check the disk, then try again.`,
        { operation: 'read' },
        { cause: error },
      );
    } finally {
      this.#open.delete(reading);
    }
  }

  /** Resolves when no read is under way: the store may be closed. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await Promise.allSettled(this.#open);
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
