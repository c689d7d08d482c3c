import type { FileHandle } from '@raftlog/core';
import {
  checkLargeValue,
  DamagedPage,
  decodeBranch,
  decodeFreePages,
  decodeLeaf,
  type LargeValue,
  META_PAGES,
  type Meta,
  PAGE_HEADER_BYTES,
  pagesOfLargeValue,
  type Tree,
} from './data-file-format.ts';

// What is read and looked at before the event loop gets its turn. Pages with no more than this between them are read in one go.
const BYTES_PER_TURN = 256 * 1024;
const HEADERS_PER_TURN = 64;
const PAGES_READ_ALONG = 3;
// The file may end before the last pages of the database, if they are free and were never written. That is rare, and then there are few.
const MOST_UNWRITTEN_PAGES = 1024;

/** A page of a tree, and the keys that its parent promises there. */
interface Expected {
  readonly page: number;
  readonly lowest: number;
  /** Above the highest. */
  readonly end: number;
}

/** What there is of a tree, to be compared with what its meta page says. */
class Tally {
  branchPages = 0;
  leafPages = 0;
  largeValuePages = 0;
  entries = 0;
}

/**
 * Checks every page that liblmdb would go by. It reads the file through a memory map and trusts what it finds there: a page that is cut off ends
 * the process with SIGBUS; a wrong number in one ends it with SIGSEGV, or makes liblmdb write over pages that are in use. Blocks are only looked for,
 * not at: the kit has checksums over them. Takes a bit of memory per page of the file, and a few MiB.
 */
export class DataFileCheck {
  readonly #file: FileHandle;
  readonly #meta: Meta;
  /** Above the last page of the database that is in the file. */
  readonly #end: number;
  /** Pages that are accounted for, a bit each. */
  readonly #taken: Uint8Array;
  readonly #freePages: { readonly page: number; readonly record: Buffer }[] = [];

  constructor(file: FileHandle, fileBytes: number, meta: Meta) {
    this.#file = file;
    this.#meta = meta;
    const filePages = Math.floor(fileBytes / meta.pageSize);
    if (meta.lastPage >= filePages + MOST_UNWRITTEN_PAGES)
      throw new DamagedPage(meta.lastPage, 'it is not in the file');
    this.#end = Math.min(meta.lastPage + 1, filePages);
    this.#taken = new Uint8Array(Math.ceil((meta.lastPage + 1) / 8));
  }

  /** Rejects with a {@link DamagedPage}. */
  async run(): Promise<void> {
    await this.#checkTree(this.#meta.freePages);
    await this.#checkTree(this.#meta.blocks);
    for (const { page, record } of this.#freePages) {
      decodeFreePages(record, page, (first, count) => this.#checkFree(first, count));
    }
  }

  async #checkTree(tree: Tree): Promise<void> {
    const tally = new Tally();
    if (tree.root !== undefined) {
      await this.#checkLevel(tree, 1, [{ page: tree.root, lowest: 0, end: Number.POSITIVE_INFINITY }], tally);
    }
    for (const what of ['branchPages', 'leafPages', 'largeValuePages', 'entries'] as const) {
      if (tally[what] !== tree[what])
        throw new DamagedPage(tree.root ?? 0, `its tree has other ${what} than its meta page says`);
    }
  }

  async #checkLevel(tree: Tree, level: number, expected: readonly Expected[], tally: Tally): Promise<void> {
    const { pageSize } = this.#meta;
    for (const turn of chunks(expected, Math.ceil(BYTES_PER_TURN / pageSize))) {
      for (const { page } of turn) this.#use(page, 1);
      const pages = await this.#read(turn, pageSize);
      if (level < tree.depth) {
        tally.branchPages += pages.length;
        const children = pages.flatMap(([parent, bytes]) => childrenOf(tree, parent, bytes));
        await this.#checkLevel(tree, level + 1, children, tally);
      } else {
        tally.leafPages += pages.length;
        const values = pages.flatMap(([leaf, bytes]) => this.#checkLeaf(tree, leaf, bytes, tally));
        await this.#checkLargeValues(tree, values, tally);
      }
    }
  }

  /** Checks a leaf, and tells which large values it refers to. */
  #checkLeaf(tree: Tree, { page, lowest, end }: Expected, bytes: Buffer, tally: Tally): LargeValue[] {
    const entries = decodeLeaf(bytes, page, tree);
    checkOrder(page, entries, lowest, end);
    tally.entries += entries.length;
    const large: LargeValue[] = [];
    for (const { value } of entries) {
      if ('pages' in value) large.push(value);
      else if (tree === this.#meta.freePages) this.#freePages.push({ page, record: value });
    }
    return large;
  }

  async #checkLargeValues(tree: Tree, values: readonly LargeValue[], tally: Tally): Promise<void> {
    for (const { page, pages, bytes } of values) {
      if (pages !== pagesOfLargeValue(bytes, this.#meta.pageSize))
        throw new DamagedPage(page, 'a large value has another size');
      this.#use(page, pages);
      tally.largeValuePages += pages;
    }
    for (const turn of chunks(values, HEADERS_PER_TURN)) {
      for (const [value, header] of await this.#read(turn, PAGE_HEADER_BYTES)) checkLargeValue(header, value, tree);
    }
    if (tree !== this.#meta.freePages) return;
    for (const value of values) {
      for (const [{ page }, bytes] of await this.#read([value], PAGE_HEADER_BYTES + value.bytes)) {
        this.#freePages.push({ page, record: bytes.subarray(PAGE_HEADER_BYTES) });
      }
    }
  }

  #use(first: number, count: number): void {
    if (first < META_PAGES || first + count > this.#end)
      throw new DamagedPage(first, 'it is in use and not in the file');
    for (let page = first; page < first + count; page++) this.#take(page, 'it is in use twice');
  }

  /** A page that is free and in use would be written over. */
  #checkFree(first: number, count: number): void {
    if (first < META_PAGES || first + count > this.#meta.lastPage + 1)
      throw new DamagedPage(first, 'it is free and not in the file');
    for (let page = first; page < first + count; page++) this.#take(page, 'it is free and taken');
  }

  #take(page: number, otherwise: string): void {
    const bits = this.#taken[page >>> 3] ?? 0;
    const bit = 1 << (page & 7);
    if ((bits & bit) !== 0) throw new DamagedPage(page, otherwise);
    this.#taken[page >>> 3] = bits | bit;
  }

  /** Each of `items` with the first `bytes` of its page; those that lie close together are read in one go. */
  async #read<Item extends { readonly page: number }>(
    items: readonly Item[],
    bytes: number,
  ): Promise<[Item, Buffer][]> {
    const gap = Math.floor(bytes / this.#meta.pageSize) * PAGES_READ_ALONG;
    const runs: { from: number; to: number; items: Item[] }[] = [];
    for (const item of items.toSorted((a, b) => a.page - b.page)) {
      const run = runs.at(-1);
      if (run === undefined || item.page - run.to > gap + 1)
        runs.push({ from: item.page, to: item.page, items: [item] });
      else {
        run.to = item.page;
        run.items.push(item);
      }
    }
    const read = await Promise.all(runs.map((run) => this.#readRun(run.from, run.to, run.items, bytes)));
    return read.flat();
  }

  async #readRun<Item extends { readonly page: number }>(
    from: number,
    to: number,
    items: readonly Item[],
    bytes: number,
  ): Promise<[Item, Buffer][]> {
    const { pageSize } = this.#meta;
    const content = Buffer.allocUnsafe((to - from) * pageSize + bytes);
    const filled = await this.#file.read(content, from * pageSize);
    if (filled < content.byteLength) throw new DamagedPage(from, 'it is in use and not in the file');
    return items.map((item) => {
      const start = (item.page - from) * pageSize;
      return [item, content.subarray(start, start + bytes)];
    });
  }
}

function childrenOf(tree: Tree, { page, lowest, end }: Expected, bytes: Buffer): Expected[] {
  const children = decodeBranch(bytes, page, tree);
  checkOrder(page, children.slice(1), lowest, end);
  return children.map((child, position) => ({
    page: child.page,
    lowest: position === 0 ? lowest : child.key,
    end: children[position + 1]?.key ?? end,
  }));
}

function checkOrder(page: number, entries: readonly { readonly key: number }[], lowest: number, end: number): void {
  let next = lowest;
  for (const { key } of entries) {
    if (key < next || key >= end) throw new DamagedPage(page, 'its keys are out of order');
    next = key + 1;
  }
}

function* chunks<Item>(items: readonly Item[], length: number): Generator<readonly Item[]> {
  for (let i = 0; i < items.length; i += length) yield items.slice(i, i + length);
}
