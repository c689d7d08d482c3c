import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Block, BlockStore, BlockStoreContext, Commit, OpenedBlocks } from '@raftlog/kit';
import { damaged, readChecked, replaceChecked } from './checked-file.ts';

/** Blocks in a Map, and the Map in one file that every commit replaces: right at any size, quick only while it is small. */
export class MapBlocks implements BlockStore {
  readonly #context: BlockStoreContext;
  readonly #path: string;
  /** Ascending by key. */
  #blocks = new Map<number, Uint8Array>();
  #header: Uint8Array | undefined;

  constructor(context: BlockStoreContext) {
    this.#context = context;
    this.#path = join(context.directory, 'blocks');
  }

  async open(): Promise<OpenedBlocks> {
    const content = await readChecked(this.#context.fileIo, this.#path);
    if (!content && this.#context.create) return { header: undefined, lastIndex: undefined };
    if (!content) throw damaged(this.#path);
    const { header, blocks }: { header: Uint8Array; blocks: Map<number, Uint8Array> } = deserialize(content);
    this.#header = header;
    this.#blocks = blocks;
    return { header, lastIndex: [...blocks.keys()].at(-1) };
  }

  async settle(): Promise<void> {
    // What a killed process wrote may be in the page cache only: onto the disk with it, before anybody relies on it.
    if (this.#header) await this.#replace(this.#header, this.#blocks);
  }

  async commit({ removeFrom = Infinity, removeThrough = 0, put, header }: Commit): Promise<void> {
    const kept = [...this.#blocks].filter(([key]) => key < removeFrom && key > removeThrough);
    const added = put.map(({ key, bytes }) => [key, bytes] as const);
    await this.#replace(header, new Map([...kept, ...added].sort(([a], [b]) => a - b)));
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    const found: Block[] = [];
    let size = 0;
    for (const [key, bytes] of this.#blocks) {
      if (key < first) continue;
      found.push({ key, bytes });
      size += bytes.byteLength;
      if (key >= last || size >= maxBytes) break;
    }
    return found;
  }

  async close(): Promise<void> {}

  async #replace(header: Uint8Array, blocks: Map<number, Uint8Array>): Promise<void> {
    await replaceChecked(this.#context.fileIo, this.#path, serialize({ header, blocks }));
    this.#blocks = blocks;
  }
}
