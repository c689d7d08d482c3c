import type { Block, BlockStore, Commit, OpenedBlocks } from '@raftlog/kit';

/** Blocks in an array, ascending by key. */
export class MemoryBlocks implements BlockStore {
  // The first `#head` slots are empty: a log is purged from the front in many small steps, and moving all that is left
  // each time would make them cost the square of its length.
  #blocks: (Block | undefined)[] = [];
  #head = 0;

  async open(): Promise<OpenedBlocks> {
    return { header: undefined, lastIndex: undefined };
  }

  async commit({ removeFrom, removeThrough, put }: Commit): Promise<void> {
    if (removeFrom !== undefined) this.#blocks.length = this.#seek(removeFrom);
    if (removeThrough !== undefined) this.#removeFront(this.#seek(removeThrough + 1));
    for (const block of put) this.#put(block);
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    const found: Block[] = [];
    let bytes = 0;
    for (let i = this.#seek(first); i < this.#blocks.length && bytes < maxBytes; i++) {
      const block = this.#blocks[i];
      if (block === undefined) break;
      found.push(block);
      bytes += block.bytes.byteLength;
      if (block.key >= last) break;
    }
    return found;
  }

  async close(): Promise<void> {
    this.#blocks = [];
    this.#head = 0;
  }

  /** Position of the first key `>= key`. */
  #seek(key: number): number {
    let low = this.#head;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks[middle]?.key ?? Number.NEGATIVE_INFINITY) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #removeFront(end: number): void {
    this.#blocks.fill(undefined, this.#head, end);
    this.#head = end;
    if (this.#head * 2 < this.#blocks.length) return;
    this.#blocks = this.#blocks.slice(this.#head);
    this.#head = 0;
  }

  #put(block: Block): void {
    const at = this.#seek(block.key);
    const replaced = this.#blocks[at]?.key === block.key ? 1 : 0;
    if (at === this.#blocks.length) this.#blocks.push(block);
    else this.#blocks.splice(at, replaced, block);
  }
}
