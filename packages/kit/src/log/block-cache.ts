import { EntryBlock, MAX_BLOCK_BYTES } from '../format/block.ts';
import type { BufferPool } from '../format/buffer-pool.ts';

// Blocks below this are copied together: on its own each would cost several times its bytes in objects, and a log that is
// written entry by entry consists of them.
const SMALL_BYTES = MAX_BLOCK_BYTES / 4;

/**
 * The blocks used last, bounded by the memory they keep, objects included. Holds only what is committed; keyed by index
 * so that it can say which block covers one. Neighbours that are small are held as one block, so what it answers is not always a block of
 * the store.
 */
export class BlockCache {
  /** Bytes that it may keep. */
  readonly limit: number;
  readonly #pool: BufferPool | undefined;
  #blocks: EntryBlock[] = []; // ascending, never overlapping
  readonly #costs: Map<EntryBlock, number> = new Map(); // in order of use, oldest first
  #bytes = 0;

  /** With a `pool` the memory of written blocks goes back there when they are dropped. */
  constructor(limit: number, pool?: BufferPool) {
    this.limit = limit;
    this.#pool = pool;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The block that covers `index`. */
  find(index: number): EntryBlock | undefined {
    const block = this.#blocks[this.#position(index)];
    return block !== undefined && block.first <= index ? block : undefined;
  }

  /** First index above `index` that is cached; infinity if none is. For a reader that wants to know where to stop reading the store. */
  nextAbove(index: number): number {
    return this.#blocks[this.#position(index + 1)]?.first ?? Number.POSITIVE_INFINITY;
  }

  /** Says that a block was used, and perhaps grew by decoding. */
  used(block: EntryBlock): void {
    const cost = this.#costs.get(block);
    if (cost === undefined) return;
    this.#costs.delete(block);
    this.#costs.set(block, block.memoryBytes);
    this.#bytes += block.memoryBytes - cost;
    this.#evict();
  }

  /** Adds a block that was read from the store. */
  add(block: EntryBlock): void {
    const cost = block.memoryBytes;
    if (cost > this.limit) {
      block.release();
      return;
    }
    const tail = this.#blocks.at(-1);
    if (tail === undefined || tail.last < block.first) {
      this.#blocks.push(block);
    } else {
      const at = this.#position(block.first);
      const next = this.#blocks[at];
      // Two readers may bring the same block; the one that is there stays.
      if (next !== undefined && next.first <= block.last) {
        block.release();
        return;
      }
      this.#blocks.splice(at, 0, block);
    }
    this.#costs.set(block, cost);
    this.#bytes += cost;
    this.#evict();
  }

  /** Adds a block above all others and takes it over: nobody else may use it any more. */
  append(block: EntryBlock): void {
    if (block.payloadBytes >= SMALL_BYTES) {
      this.add(block);
      return;
    }
    const tail = this.#blocks.at(-1);
    if (tail?.hasRoomForAll(block)) {
      tail.absorb(block);
      this.used(tail);
    } else {
      const collected = EntryBlock.start(
        block.first,
        this.#pool === undefined ? block.payloadBytes : MAX_BLOCK_BYTES,
        this.#pool,
      );
      collected.absorb(block);
      this.add(collected);
    }
    block.release();
  }

  /** Forgets every block that holds an index `>= from`. */
  dropFrom(from: number): void {
    for (const block of this.#blocks.splice(this.#position(from))) this.#forget(block);
  }

  /** Forgets every block that lies wholly at or below `through`. */
  dropThrough(through: number): void {
    let count = this.#position(through);
    if (this.#blocks[count]?.last === through) count++;
    for (const block of this.#blocks.splice(0, count)) this.#forget(block);
  }

  #forget(block: EntryBlock): void {
    this.#bytes -= this.#costs.get(block) ?? 0;
    this.#costs.delete(block);
    block.release();
  }

  #evict(): void {
    if (this.#bytes <= this.limit) return;
    // An eighth at once, so that the list is rebuilt once for many and not for each.
    const target = this.limit - this.limit / 8;
    for (const block of this.#costs.keys()) {
      if (this.#bytes <= target) break;
      this.#forget(block);
    }
    this.#blocks = this.#blocks.filter((block) => this.#costs.has(block));
  }

  /** Position of the first block with a last index `>= index`. */
  #position(index: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks[middle] as EntryBlock).last >= index) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
