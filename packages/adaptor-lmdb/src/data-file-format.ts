/**
 * LMDB's data file, format 2, as far as liblmdb takes its bytes on trust. Numbers are little-endian, and 64 bits wide where liblmdb says
 * `pgno_t` or `size_t`: that is how it writes them on a 64-bit little-endian system.
 *
 * The file is pages of one size. Pages 0 and 1 are meta pages, written in turn; the one with the higher transaction counts. It names the roots
 * of two trees: that of the free pages, keyed by transaction, and that of the blocks. A value too large for its leaf has pages of its own, the
 * first of which has a header.
 */

export const PAGE_HEADER_BYTES = 24;
/** Header and content of a meta page. */
export const META_BYTES = 168;
export const META_PAGES = 2;

const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const SMALLEST_PAGE = 256;
const LARGEST_PAGE = 64 * 1024;
const NODE_HEADER_BYTES = 8;
const KEY_BYTES = 8;
const REFERENCE_BYTES = 24;
const IS_REFERENCE = 1;

const Kind = { branch: 1, leaf: 2, largeValue: 4, meta: 8 } as const;

/** What is wrong with a file, where. */
export class DamagedPage extends Error {
  readonly page: number;

  constructor(page: number, what: string) {
    super(what);
    this.page = page;
  }
}

/** What a meta page says of a tree. */
export interface Tree {
  /** `undefined`: the tree is empty. */
  readonly root: number | undefined;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly largeValuePages: number;
  readonly entries: number;
  /** No page of the tree was written by a later one. */
  readonly transaction: number;
  readonly readKey: (page: Buffer, at: number) => number;
}

export interface Meta {
  readonly pageSize: number;
  readonly transaction: number;
  readonly lastPage: number;
  readonly freePages: Tree;
  readonly blocks: Tree;
}

/** An entry of a branch page. */
export interface Child {
  /** No key below is lower. That of a page's first child says nothing. */
  readonly key: number;
  readonly page: number;
}

/** A value that has pages of its own. */
export interface LargeValue {
  readonly page: number;
  readonly pages: number;
  readonly bytes: number;
}

/** An entry of a leaf page. */
export interface Leaf {
  readonly key: number;
  readonly value: Buffer | LargeValue;
}

export function decodeMeta(bytes: Buffer, page: number): Meta {
  if (bytes.byteLength < META_BYTES || bytes.readUInt16LE(18) !== Kind.meta || bytes.readUInt32LE(24) !== MAGIC)
    throw new DamagedPage(page, 'it is no meta page');
  if (bytes.readUInt32LE(28) !== FORMAT) throw new DamagedPage(page, 'it is of another format');
  // The page size stands where a tree has the size of its keys, if these are all alike; the numbers behind it are the kinds of the trees, and
  // anything else there would turn on a feature that was never asked for.
  const pageSize = bytes.readUInt32LE(48);
  if (pageSize < SMALLEST_PAGE || pageSize > LARGEST_PAGE || (pageSize & (pageSize - 1)) !== 0)
    throw new DamagedPage(page, 'its page size is impossible');
  if (bytes.readUInt16LE(52) !== 8 || bytes.readUInt32LE(96) !== 0 || bytes.readUInt16LE(100) !== 0)
    throw new DamagedPage(page, 'its trees are of another kind');
  return {
    pageSize,
    freePages: decodeTree(bytes, 48, readNumber),
    blocks: decodeTree(bytes, 96, readBigEndian),
    lastPage: readNumber(bytes, 144),
    transaction: readNumber(bytes, 152),
  };
}

function decodeTree(bytes: Buffer, at: number, readKey: Tree['readKey']): Tree {
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    root: root === 0xffff_ffff_ffff_ffffn ? undefined : Number(root),
    depth: bytes.readUInt16LE(at + 6),
    branchPages: readNumber(bytes, at + 8),
    leafPages: readNumber(bytes, at + 16),
    largeValuePages: readNumber(bytes, at + 24),
    entries: readNumber(bytes, at + 32),
    transaction: readNumber(bytes, 152),
    readKey,
  };
}

export function decodeBranch(bytes: Buffer, page: number, tree: Tree): Child[] {
  const nodes = decodeNodes(bytes, page, Kind.branch, tree);
  if (nodes.length < 2) throw new DamagedPage(page, 'a branch has a single child');
  return nodes.map(({ at, keyBytes }, position) => {
    if (keyBytes !== KEY_BYTES && (position > 0 || keyBytes > 0))
      throw new DamagedPage(page, 'a key has another length');
    return {
      key: position === 0 ? 0 : tree.readKey(bytes, at + NODE_HEADER_BYTES),
      page: bytes.readUInt32LE(at) + bytes.readUInt16LE(at + 4) * 2 ** 32,
    };
  });
}

export function decodeLeaf(bytes: Buffer, page: number, tree: Tree): Leaf[] {
  return decodeNodes(bytes, page, Kind.leaf, tree).map(({ at, keyBytes }) => {
    if (keyBytes !== KEY_BYTES) throw new DamagedPage(page, 'a key has another length');
    const key = tree.readKey(bytes, at + NODE_HEADER_BYTES);
    const value = at + NODE_HEADER_BYTES + KEY_BYTES;
    const size = bytes.readUInt32LE(at);
    if (!isReference(bytes, at)) return { key, value: bytes.subarray(value, value + size) };
    return { key, value: { page: readNumber(bytes, value), pages: readNumber(bytes, value + 16), bytes: size } };
  });
}

/** Checks the header of the first page of a large value, by which liblmdb frees the pages. */
export function checkLargeValue(header: Buffer, { page, pages }: LargeValue, tree: Tree): void {
  checkHeader(header, page, Kind.largeValue, tree);
  if (header.readUInt32LE(20) !== pages) throw new DamagedPage(page, 'a large value has another size');
}

export function pagesOfLargeValue(bytes: number, pageSize: number): number {
  return Math.ceil((PAGE_HEADER_BYTES + bytes) / pageSize);
}

/**
 * Calls `run` with each run of pages in a record of free pages: a count, then page numbers; where a negative number stands instead, its
 * amount is how many pages there are from the next number on. Zeros are room.
 */
export function decodeFreePages(record: Buffer, page: number, run: (first: number, pages: number) => void): void {
  const count = record.byteLength < 8 ? Infinity : readNumber(record, 0);
  if ((count + 1) * 8 > record.byteLength) throw new DamagedPage(page, 'a record of free pages is too short');
  let pages = 1;
  for (let i = 1; i <= count; i++) {
    const number = Number(record.readBigInt64LE(i * 8));
    if (number < 0) pages = -number;
    else if (number > 0) {
      run(number, pages);
      pages = 1;
    }
  }
}

interface Node {
  readonly at: number;
  readonly keyBytes: number;
}

/** Where the entries of a page are, in the order of their keys, after a check that they fill what the page says they fill. */
function decodeNodes(bytes: Buffer, page: number, kind: number, tree: Tree): Node[] {
  checkHeader(bytes, page, kind, tree);
  const room = bytes.byteLength - PAGE_HEADER_BYTES;
  const pointerBytes = bytes.readUInt16LE(20);
  const lowest = bytes.readUInt16LE(22);
  if (pointerBytes === 0 || pointerBytes % 2 !== 0 || pointerBytes > lowest || lowest > room)
    throw new DamagedPage(page, 'its bounds are impossible');
  const nodes: Node[] = [];
  let filled = 0;
  for (let pointer = 0; pointer < pointerBytes; pointer += 2) {
    const from = bytes.readUInt16LE(PAGE_HEADER_BYTES + pointer);
    if (from < lowest || from + NODE_HEADER_BYTES > room) throw new DamagedPage(page, 'an entry lies outside');
    const at = PAGE_HEADER_BYTES + from;
    const keyBytes = bytes.readUInt16LE(at + 6);
    const size = NODE_HEADER_BYTES + keyBytes + (kind === Kind.leaf ? valueBytes(bytes, at, page) : 0);
    if (from + size > room) throw new DamagedPage(page, 'an entry reaches outside');
    filled += size + (size % 2);
    nodes.push({ at, keyBytes });
  }
  if (filled !== room - lowest) throw new DamagedPage(page, 'its entries overlap');
  return nodes;
}

/** The transaction that wrote a page. */
export function transactionOf(header: Buffer): number {
  return readNumber(header, 8);
}

function checkHeader(bytes: Buffer, page: number, kind: number, { transaction }: Tree): void {
  if (readNumber(bytes, 0) !== page || bytes.readUInt16LE(18) !== kind)
    throw new DamagedPage(page, 'another page stands there');
  // liblmdb would take it for one that it is about to write.
  if (transactionOf(bytes) > transaction) throw new DamagedPage(page, 'its transaction is yet to come');
}

function valueBytes(bytes: Buffer, at: number, page: number): number {
  if (isReference(bytes, at)) return REFERENCE_BYTES;
  if (bytes.readUInt16LE(at + 4) !== 0) throw new DamagedPage(page, 'an entry is of another kind');
  return bytes.readUInt32LE(at);
}

function isReference(bytes: Buffer, at: number): boolean {
  return bytes.readUInt16LE(at + 4) === IS_REFERENCE;
}

function readNumber(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

function readBigEndian(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
