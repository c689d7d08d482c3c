import type { EntryBlock } from '../format/block.ts';

/**
 * The blocks used last, bounded by the memory they keep, objects included. Holds only what is committed; keyed by index
 * so that it can say which block covers one.
 */
export class BlockCache {
  readonly #limit: number;
  #blocks: EntryBlock[] = []; // ascending, never overlapping
  readonly #costs: Map<EntryBlock, number> = new Map(); // in order of use, oldest first
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
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

  add(block: EntryBlock): void {
    const cost = block.memoryBytes;
    if (cost > this.#limit) return;
    const tail = this.#blocks.at(-1);
    if (tail === undefined || tail.last < block.first) {
      this.#blocks.push(block);
    } else {
      const at = this.#position(block.first);
      const next = this.#blocks[at];
      // Two readers may bring the same block; the one that is there stays.
      if (next !== undefined && next.first <= block.last) return;
      this.#blocks.splice(at, 0, block);
    }
    this.#costs.set(block, cost);
    this.#bytes += cost;
    this.#evict();
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
  }

  #evict(): void {
    if (this.#bytes <= this.#limit) return;
    // An eighth at once, so that the list is rebuilt once for many and not for each.
    const target = this.#limit - this.#limit / 8;
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
