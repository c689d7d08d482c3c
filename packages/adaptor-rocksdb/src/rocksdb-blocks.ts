import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Block, BlockStore, BlockStoreContext, Commit, OpenedBlocks } from '@raftlog/kit';
import { decodeBlockKey, encodeBlockKey } from '@raftlog/kit/thread';
import { BEHIND_BLOCKS, headerKey, isHeader, keyBehind, REDO_KEY } from './keys.ts';
import { RocksdbDatabase, type RocksdbSettings } from './rocksdb-database.ts';
import { lostCommits, missingDatabase } from './rocksdb-error.ts';
import { encodeSequence, readNewestLog, SEQUENCE_BYTES } from './write-ahead-log.ts';

// Enough to get past what there can be above the last block: the header, and some that cuts left behind.
const TOP_BYTES = 1024;

/**
 * Blocks in RocksDB. Its driver blocks for every write, sync and seek: this runs in a thread of its own.
 *
 * The header lies directly behind the highest block, so that the keys of commits rise as one: RocksDB then puts each table below the last one and
 * moves it down without rewriting it. One header under a fixed key would be part of every table and have all of them merged. Those of earlier commits
 * stay in between until a purge takes them; the highest key of all is the current one's.
 */
export class RocksdbBlocks implements BlockStore {
  readonly #settings: RocksdbSettings;
  readonly #context: BlockStoreContext;
  #opened: RocksdbDatabase | undefined;
  /** The current one, with the sequence of its commit. */
  #header: Uint8Array = new Uint8Array();
  /** No block lies above it; the header's key is made from it. */
  #highest = 0;
  /** No block lies at or below it: range deletions that don't overlap stay cheap to read across. */
  #removedThrough = 0;

  constructor(settings: RocksdbSettings, context: BlockStoreContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /**
   * The recovery barrier is RocksDB's own: before it answers it has written what it replayed from its write-ahead log into a new table and its
   * state into a new manifest, and synced both and the directory. Nothing is served that only the page cache has. But it replays no further than to
   * the first damaged record, says nothing, and deletes the log: so a loss that the log itself shows is looked for before.
   */
  async open(): Promise<OpenedBlocks> {
    const { create, directory, fileIo, salvage, witnessedSequence } = this.#context;
    // RocksDB would leave new files behind before it refuses.
    if (!create && (await fileIo.kind(join(directory, 'CURRENT'))) === undefined) throw missingDatabase(directory);
    const { sequence, tornBytes } = await readNewestLog(directory, fileIo);
    if (sequence !== undefined && sequence < witnessedSequence && !salvage) {
      throw lostCommits(directory, sequence, witnessedSequence);
    }
    this.#opened = await RocksdbDatabase.open(directory, create, this.#settings);
    const found = this.#findTop();
    const redo = this.#database.value(REDO_KEY);
    if (redo === undefined) return { ...found, discardedBytes: tornBytes };
    await this.#apply(deserialize(redo), true);
    return { ...this.#findTop(), discardedBytes: tornBytes };
  }

  /**
   * One atomic batch, but for ranges: the driver has no batch with a range deletion, and to delete block by block would mean to read them all, in a reset
   * the whole log. So what is cut is deleted as a range before the batch, and the commit is written down before that: after a crash in between the next
   * open does it again. What was purged needs no such care, being covered by the boundary already.
   */
  async commit(commit: Commit): Promise<void> {
    if (commit.removeFrom !== undefined) this.#writeDown(commit, commit.removeFrom);
    await this.#apply(commit, !this.#context.buffered);
  }

  /**
   * What is left of a block that is cut is put with it, in front of what is removed: if the rest of the commit fails, a batch that isn't
   * synced isn't readable either, and what is durable has to be.
   */
  #writeDown(commit: Commit, removeFrom: number): void {
    this.#database.write(true, (batch) => {
      batch._put(REDO_KEY, serialize(commit));
      for (const { key, bytes } of commit.put) if (key < removeFrom) batch._put(encodeBlockKey(key), bytes);
    });
  }

  async #apply({ sequence, removeFrom, removeThrough, put, header }: Commit, sync: boolean): Promise<void> {
    if (removeFrom !== undefined) await this.#removeFrom(removeFrom);
    if (removeThrough !== undefined) await this.#removeThrough(removeThrough);
    this.#highest = Math.max(this.#highest, put.at(-1)?.key ?? 0);
    this.#removedThrough = Math.min(this.#removedThrough, (put[0]?.key ?? Infinity) - 1);
    this.#header = Buffer.concat([header, encodeSequence(sequence)]);
    this.#database.write(sync, (batch) => {
      if (removeFrom !== undefined) batch._del(REDO_KEY);
      for (const { key, bytes } of put) batch._put(encodeBlockKey(key), bytes);
      batch._put(headerKey(this.#highest), this.#header);
    });
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    const [from, to] = [encodeBlockKey(first), encodeBlockKey(last)];
    const { blocks, finished } = this.#read(from, to, maxBytes);
    // With all that lies before `last` found, what is missing is the block that covers it: the first from there on.
    return finished ? [...blocks, ...this.#read(to, BEHIND_BLOCKS, 0).blocks] : blocks;
  }

  /** A synced batch takes along all that was written before it. It has to write something: the driver passes over an empty one. */
  async sync(): Promise<void> {
    this.#database.write(true, (batch) => batch._put(headerKey(this.#highest), this.#header));
  }

  /** Writes nothing: what is in no table yet is in the write-ahead log, and stays there. */
  async close(): Promise<void> {
    await this.#opened?.close().catch((error: unknown) => {
      // A RocksDB that has failed says so again when it is closed, and frees everything all the same.
      if (!this.#context.failure.aborted) throw error;
    });
  }

  async #removeFrom(index: number): Promise<void> {
    await this.#database.removeRange({ gte: encodeBlockKey(index), lte: headerKey(this.#highest) });
    this.#highest = Math.min(this.#highest, index - 1);
    this.#removedThrough = Math.min(this.#removedThrough, index - 1);
  }

  async #removeThrough(index: number): Promise<void> {
    // The header moves out of the way first: a crash must not find it gone with the blocks.
    if (index > this.#highest) {
      this.#highest = index;
      this.#database.write(false, (batch) => batch._put(headerKey(index), this.#header));
    }
    await this.#database.removeRange({ gt: encodeBlockKey(this.#removedThrough), lte: encodeBlockKey(index) });
    this.#removedThrough = Math.max(this.#removedThrough, index);
  }

  /** Blocks from `from` to before `to` until `maxBytes` are exceeded, but one at least; `finished`: these are all. */
  #read(from: Uint8Array, to: Uint8Array, maxBytes: number): { blocks: Block[]; finished: boolean } {
    for (let next = from; ; ) {
      const { rows, finished } = this.#database.query({ gte: next, lt: to, maxBytes });
      const blocks = rows
        .filter(({ key }) => !isHeader(key))
        .map(({ key, value }) => ({ key: decodeBlockKey(key), bytes: value }));
      const last = rows.at(-1);
      if (finished || blocks.length > 0 || last === undefined) return { blocks, finished };
      next = keyBehind(last.key);
    }
  }

  #findTop(): OpenedBlocks {
    const { rows } = this.#database.query({ lt: BEHIND_BLOCKS, reverse: true, maxBytes: TOP_BYTES });
    const [top] = rows;
    const last = rows.find(({ key }) => !isHeader(key));
    this.#highest = top === undefined ? 0 : decodeBlockKey(top.key);
    if (top !== undefined && isHeader(top.key)) this.#header = top.value;
    const header = this.#header.byteLength === 0 ? undefined : this.#header.subarray(0, -SEQUENCE_BYTES);
    return { header, lastIndex: last && decodeBlockKey(last.key) };
  }

  get #database(): RocksdbDatabase {
    if (this.#opened === undefined) throw new Error('The database is not open.');
    return this.#opened;
  }
}
