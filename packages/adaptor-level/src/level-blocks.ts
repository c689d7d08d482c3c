import { join } from 'node:path';
import type { FileHandle } from '@raftlog/core';
import type { Block, BlockStore, BlockStoreContext, Commit, OpenedBlocks } from '@raftlog/kit';
import { decodeBlockKey, encodeBlockKey } from '@raftlog/kit';
import { ClassicLevel } from 'classic-level';
import { AtomicWrite } from './atomic-write.ts';
import { blockKeyOf, blockKeysOf, headerKeyOf, isHeader } from './block-keys.ts';
import { findKeys, type KeyBounds, readBlocks } from './block-reader.ts';
import { levelError } from './level-error.ts';
import { checkLogFiles, encodeSequence, SEQUENCE_BYTES } from './log-file-check.ts';
import { type KeyRange, SpaceReclaimer } from './space-reclaimer.ts';

/** How LevelDB is set up; checked before. */
export interface LevelSettings {
  readonly writeBufferSize: number;
  readonly cacheSize: number;
  readonly maxFileSize: number;
  readonly maxOpenFiles: number;
  readonly compression: boolean;
}

export type Database = ClassicLevel<Uint8Array, Uint8Array>;

// Above the last block there are headers only, of which truncations and purges leave one or two besides the newest.
const KEYS_AT_THE_TOP = 8;

const KEYS_TO_REMOVE = 500;

/**
 * Blocks in LevelDB, and the header right behind the highest of them, so that all keys of a commit lie above those of the one before: LevelDB then
 * never has to merge its tables. A header under one fixed key would be in every table, make them all overlap, and have each written twice more.
 * What is left of earlier headers is removed with the blocks around it; the highest key of all is always that of the newest.
 */
export class LevelBlocks implements BlockStore {
  readonly #context: BlockStoreContext;
  readonly #settings: LevelSettings;
  #opened: { readonly database: Database; readonly reclaimer: SpaceReclaimer } | undefined;
  /** A file on the drive whose cache LevelDB leaves alone, if it does. */
  #drive: FileHandle | undefined;
  /** No block lies above it. */
  #highest = 0;
  /** No block lies at or below it. A search for blocks starts here: deleted ones below may still have to be read, and passed over. */
  #removedThrough = 0;

  constructor(context: BlockStoreContext, settings: LevelSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  /**
   * LevelDB changes its files when it opens, so what would be refused is looked for before. The recovery barrier is its own, and there is no `settle`:
   * before it goes on, it writes what it replays from its logs into a new table and the list of all tables into a new manifest, and syncs both
   * and the directory; nothing is served that only the page cache has. Only the name that makes the manifest the current one is left to be synced here.
   */
  async open(): Promise<OpenedBlocks> {
    const { create, directory, fileIo, salvage, witnessedSequence } = this.#context;
    // A salvage has the kit say what is lost at the end.
    const discardedBytes = create ? 0 : await checkLogFiles(directory, fileIo, salvage ? 0 : witnessedSequence);
    try {
      // Made only now: the driver begins to open a database as soon as it is made.
      const database: Database = new ClassicLevel(directory, {
        ...this.#settings,
        keyEncoding: 'view',
        valueEncoding: 'view',
        createIfMissing: create,
        errorIfExists: create,
      });
      await database.open();
      this.#opened = { database, reclaimer: new SpaceReclaimer(database, this.#context) };
      await fileIo.syncDirectory(directory);
      // On macOS LevelDB calls fsync, which leaves the bytes in the drive's cache. What Node does there instead (F_FULLFSYNC) empties it, for whatever file.
      if (process.platform === 'darwin') this.#drive = await fileIo.open(join(directory, 'CURRENT'), 'read');
      return { ...(await this.#findTop()), discardedBytes };
    } catch (error) {
      throw levelError(error, 'open the database', directory);
    }
  }

  async commit({ sequence, removeFrom, removeThrough, put, header }: Commit): Promise<void> {
    const write = new AtomicWrite(this.#database);
    let removed: KeyRange | undefined;
    try {
      if (removeFrom !== undefined) removed = await this.#removeFrom(removeFrom, write);
      if (removeThrough !== undefined) removed = await this.#removeThrough(removeThrough, write);
      for (const { key, bytes } of put) {
        // A repair may put a small block in the place of a large one, or the other way about.
        if (key <= this.#highest) for (const former of blockKeysOf(key)) write.remove(former);
        write.put(blockKeyOf(key, bytes), bytes);
      }
      this.#highest = Math.max(this.#highest, put.at(-1)?.key ?? 0);
      this.#removedThrough = Math.min(this.#removedThrough, (put[0]?.key ?? Number.POSITIVE_INFINITY) - 1);
      // Last of all: so the record in LevelDB's log ends with the sequence.
      write.put(headerKeyOf(this.#highest), Buffer.concat([header, encodeSequence(sequence)]));
      await write.commit();
      await this.#drive?.datasync();
    } catch (error) {
      throw levelError(error, 'write to the database', this.#context.directory);
    }
    if (removed !== undefined) this.#opened?.reclaimer.removed(removed);
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    try {
      return await readBlocks(this.#database, { first, last, maxBytes }, this.#settings.cacheSize > 0);
    } catch (error) {
      throw levelError(error, 'read from the database', this.#context.directory);
    }
  }

  async close(): Promise<void> {
    await this.#opened?.reclaimer.stop();
    await this.#drive?.close();
    await this.#opened?.database.close();
  }

  get #database(): Database {
    if (this.#opened === undefined) throw new Error('The database is not open.');
    return this.#opened.database;
  }

  async #findTop(): Promise<OpenedBlocks> {
    const keys = await findKeys(this.#database, { reverse: true }, KEYS_AT_THE_TOP);
    const [top] = keys;
    const last = keys.find((key) => !isHeader(key));
    const lastIndex = last && decodeBlockKey(last);
    if (top === undefined || !isHeader(top)) return { header: undefined, lastIndex };
    this.#highest = decodeBlockKey(top);
    return { header: (await this.#database.get(top))?.subarray(0, -SEQUENCE_BYTES), lastIndex };
  }

  /** Resolves to what to reclaim: the whole log or nothing. New blocks come where a truncation was; the purge that passes them takes what is left of it. */
  async #removeFrom(index: number, write: AtomicWrite): Promise<KeyRange | undefined> {
    await this.#remove({ gte: encodeBlockKey(index) }, write);
    const removed = { first: index, last: this.#highest };
    const isWhole = index <= this.#removedThrough + 1;
    this.#highest = Math.min(this.#highest, index - 1);
    this.#removedThrough = Math.min(this.#removedThrough, index - 1);
    return isWhole ? removed : undefined;
  }

  async #removeThrough(index: number, write: AtomicWrite): Promise<KeyRange> {
    const removed = { first: this.#removedThrough, last: index };
    await this.#remove({ gte: encodeBlockKey(removed.first), lt: encodeBlockKey(index + 1) }, write);
    this.#highest = Math.max(this.#highest, index);
    this.#removedThrough = index;
    return removed;
  }

  async #remove(bounds: KeyBounds, write: AtomicWrite): Promise<void> {
    let keys = await findKeys(this.#database, bounds, KEYS_TO_REMOVE);
    for (let end = keys.at(-1); end !== undefined; end = keys.at(-1)) {
      for (const key of keys) write.remove(key);
      keys = await findKeys(this.#database, { ...(bounds.lt && { lt: bounds.lt }), gt: end }, KEYS_TO_REMOVE);
    }
  }
}
