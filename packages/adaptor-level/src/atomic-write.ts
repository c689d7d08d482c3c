import type { ChainedBatch } from 'classic-level';
import type { Database } from './level-blocks.ts';

// From here on a copy of what is put is worth being freed at once.
const LARGE_BYTES = 64 * 1024;

interface Put {
  readonly type: 'put';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** One batch of LevelDB: all of it or nothing, on the device when `commit` resolves. Removals come first. */
export class AtomicWrite {
  readonly #database: Database;
  readonly #puts: Put[] = [];
  #putBytes = 0;
  #batch: ChainedBatch<Database, Uint8Array, Uint8Array> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Handed to the driver at once: of a whole log there may be millions. */
  remove(key: Uint8Array): void {
    this.#batch ??= this.#database.batch();
    this.#batch.del(key);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#puts.push({ type: 'put', key, value });
    this.#putBytes += value.byteLength;
  }

  /** Never of nothing: a batch without operations is not synced, nor is anything before it. */
  async commit(): Promise<void> {
    // A chained batch is the quicker one, but the driver keeps its memory until it is collected.
    if (this.#batch === undefined && this.#putBytes >= LARGE_BYTES) {
      return this.#database.batch(this.#puts, { sync: true });
    }
    const batch = this.#batch ?? this.#database.batch();
    for (const { key, value } of this.#puts) batch.put(key, value);
    return batch.write({ sync: true });
  }
}
