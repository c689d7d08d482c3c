import { type BlockStoreContext, encodeBlockKey } from '@raftlog/kit';
import type { Database } from './level-blocks.ts';

// Less is left lying until more comes to it: each compaction costs two tables and a new log file, however little it gives back.
const WORTHWHILE_BYTES = 8 * 1024 * 1024;

// Taken on at once: what `stop` may have to wait for.
const PIECE_BYTES = 32 * 1024 * 1024;

/** Keys of blocks. */
export interface KeyRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Gives back the space of blocks that were removed. LevelDB only notes a deletion and keeps the block until a compaction comes by; this one has the
 * range compacted, in LevelDB's own thread and piece by piece, while everything else goes on.
 */
export class SpaceReclaimer {
  readonly #database: Database;
  readonly #context: BlockStoreContext;
  #pending: KeyRange | undefined;
  #running: Promise<void> | undefined;
  /** More was removed since the last look. */
  #hasNews = false;
  #stopped = false;

  constructor(database: Database, context: BlockStoreContext) {
    this.#database = database;
    this.#context = context;
  }

  /** All blocks with these keys are removed. */
  removed(range: KeyRange): void {
    this.#add(range);
    this.#hasNews = true;
    this.#running ??= this.#run();
  }

  /** Resolves when the piece under way is done; no other is begun. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  #add({ first, last }: KeyRange): void {
    const { first: low = first, last: high = last } = this.#pending ?? {};
    this.#pending = { first: Math.min(first, low), last: Math.max(last, high) };
  }

  async #run(): Promise<void> {
    try {
      while (this.#hasNews && !this.#mayNotWrite) {
        this.#hasNews = false;
        for (let piece = await this.#nextPiece(); piece !== undefined; piece = await this.#nextPiece()) {
          await this.#database.compactRange(encodeBlockKey(piece.first), encodeBlockKey(piece.last + 1));
        }
      }
    } catch (error) {
      this.#context.backgroundFailure('reclaim space', error);
    }
    this.#running = undefined;
  }

  async #nextPiece(): Promise<KeyRange | undefined> {
    const range = this.#pending;
    if (range === undefined) return undefined;
    this.#pending = undefined;
    const isWorthwhile = (await this.#sizeOf(range)) >= WORTHWHILE_BYTES;
    let piece = range;
    while (isWorthwhile && piece.last > piece.first && (await this.#sizeOf(piece)) > PIECE_BYTES) {
      piece = { first: piece.first, last: Math.floor((piece.first + piece.last) / 2) };
    }
    if (!isWorthwhile || this.#mayNotWrite) {
      this.#add(range);
      return undefined;
    }
    if (piece.last < range.last) this.#add({ first: piece.last + 1, last: range.last });
    return piece;
  }

  /** A compaction writes, and a poisoned engine must not. */
  get #mayNotWrite(): boolean {
    return this.#stopped || this.#context.failure.aborted;
  }

  #sizeOf({ first, last }: KeyRange): Promise<number> {
    return this.#database.approximateSize(encodeBlockKey(first), encodeBlockKey(last + 1));
  }
}
