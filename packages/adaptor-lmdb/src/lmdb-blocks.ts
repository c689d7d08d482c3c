import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  type Block,
  type BlockStore,
  type BlockStoreContext,
  type Commit,
  decodeBlockKey,
  encodeBlockKey,
  type OpenedBlocks,
} from '@raftlog/kit';
import type { Meta } from './data-file-format.ts';
import { checkDataFile, rewriteMetaPage, syncFile } from './data-file-recovery.ts';
import { checkFreeSpace } from './free-space.ts';
import { type LmdbDatabase, LmdbEnvironment, type LmdbSettings } from './lmdb-environment.ts';
import { tryBeforeOpening } from './open-precautions.ts';

// In front of the blocks, not behind: LMDB fills its pages where it inserts at the very end, and leaves them half empty elsewhere.
const HEADER_KEY = encodeBlockKey(0);
const FIRST_BLOCK = 1;
const END = Number.MAX_SAFE_INTEGER;

// What is taken out of the map before the event loop gets its turn: well under a millisecond each.
const BYTES_PER_TURN = 128 * 1024;
const KEYS_PER_TURN = 500;

/** Blocks in the one table of an LMDB database, the header among them. A commit is one transaction. */
export class LmdbBlocks implements BlockStore {
  readonly #context: BlockStoreContext;
  readonly #environment: LmdbEnvironment;
  readonly #path: string;
  readonly #mapSize: number;
  /** What the database was when it was opened. */
  #found: Meta | undefined;

  constructor(context: BlockStoreContext, settings: LmdbSettings) {
    this.#context = context;
    this.#environment = new LmdbEnvironment(context.directory, settings);
    this.#path = join(context.directory, 'data.mdb');
    this.#mapSize = settings.mapSize;
  }

  async open(): Promise<OpenedBlocks> {
    const { fileIo, directory, create } = this.#context;
    if (!create) this.#found = await checkDataFile(fileIo, this.#path);
    await tryBeforeOpening(fileIo, directory, this.#mapSize);
    this.#environment.open();
    return this.#environment.read((database) => {
      const [last = HEADER_KEY] = database.getKeys({ reverse: true, limit: 1 });
      const lastIndex = decodeBlockKey(last);
      return { header: database.getBinary(HEADER_KEY), lastIndex: lastIndex < FIRST_BLOCK ? undefined : lastIndex };
    });
  }

  async settle(): Promise<void> {
    if (this.#found !== undefined) await rewriteMetaPage(this.#context.fileIo, this.#path, this.#found);
  }

  async commit({ removeFrom, removeThrough = 0, put, header }: Commit): Promise<void> {
    const removesAll = removeFrom !== undefined && (await this.#keys(FIRST_BLOCK, removeFrom - 1, 1)).length === 0;
    const purged = removesAll ? [] : await this.#keys(FIRST_BLOCK, removeThrough);
    const cut = removesAll || removeFrom === undefined ? [] : await this.#keys(removeFrom, END);
    // What only removes may go on: it makes room, and LMDB has room for it nearly always.
    if (put.length > 0) checkFreeSpace(this.#context.directory, bytesOf(put));
    // The promises of these calls say nothing: `write` rejects for all of them.
    await this.#environment.write((database) => {
      // Page by page, without a list of what there is: a reset may remove millions of blocks.
      if (removesAll) void database.clearAsync();
      for (const key of [...purged, ...cut]) void database.remove(encodeBlockKey(key));
      for (const { key, bytes } of put) void database.put(encodeBlockKey(key), bytes);
      void database.put(HEADER_KEY, header);
    });
    // LMDB writes its meta page with O_DSYNC, which on macOS leaves it in the cache of the drive; Node's sync does not (F_FULLFSYNC).
    if (process.platform === 'darwin') await syncFile(this.#context.fileIo, this.#path);
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    const found: Block[] = [];
    let bytesLeft = maxBytes;
    for (let from = Math.max(first, FIRST_BLOCK); from <= last && bytesLeft > 0; ) {
      if (found.length > 0) await setImmediate();
      const turn = await this.#environment.read((database) => blocksOfTurn(database, from, last, bytesLeft));
      found.push(...turn);
      bytesLeft -= bytesOf(turn);
      from = (turn.at(-1)?.key ?? END) + 1;
    }
    return found;
  }

  close(): Promise<void> {
    return this.#environment.close();
  }

  /** Keys from `first` to `last`, at most `limit`. */
  async #keys(first: number, last: number, limit: number = END): Promise<number[]> {
    const found: number[] = [];
    for (let from = first; from <= last && found.length < limit; ) {
      if (found.length > 0) await setImmediate();
      const turn = await this.#environment.read((database) => keysOfTurn(database, from, last));
      found.push(...turn);
      from = (turn.at(-1) ?? END) + 1;
    }
    return found;
  }
}

function bytesOf(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
}

// Both iterate to their end at once: a read transaction that stayed open would keep the pages that are freed from being used again.

function blocksOfTurn(database: LmdbDatabase, first: number, last: number, maxBytes: number): Block[] {
  const found: Block[] = [];
  let bytesLeft = Math.min(maxBytes, BYTES_PER_TURN);
  for (const { key, value } of database.getRange({ start: encodeBlockKey(first) })) {
    const index = decodeBlockKey(key);
    found.push({ key: index, bytes: value });
    bytesLeft -= value.byteLength;
    if (index >= last || bytesLeft <= 0) break;
  }
  return found;
}

function keysOfTurn(database: LmdbDatabase, first: number, last: number): number[] {
  const range = { start: encodeBlockKey(first), end: encodeBlockKey(last), inclusiveEnd: true, limit: KEYS_PER_TURN };
  return [...database.getKeys(range)].map((key) => decodeBlockKey(key));
}
