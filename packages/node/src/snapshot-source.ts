import type { SnapshotStore } from '@raftlog/core';

/** The content of a saved snapshot in pieces of a given size, from any place on. */
export class SnapshotSource {
  readonly #store: SnapshotStore;
  readonly #id: string;
  readonly #pieceBytes: number;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #rest: Uint8Array = new Uint8Array(0);
  /** Of the first byte of `#rest`. */
  #position = 0;

  constructor(store: SnapshotStore, id: string, pieceBytes: number) {
    this.#store = store;
    this.#id = id;
    this.#pieceBytes = pieceBytes;
  }

  /** The bytes from `offset` on, at most one piece; empty at the end. */
  async read(offset: number): Promise<Uint8Array> {
    if (offset < this.#position || this.#iterator === undefined) await this.#rewind();
    const piece = new Uint8Array(this.#pieceBytes);
    let filled = 0;
    while (filled < piece.length) {
      if (this.#rest.length === 0 && !(await this.#next())) break;
      // A store reads from its beginning on: what the receiver has already is passed over.
      const skipped = Math.min(offset - this.#position, this.#rest.length);
      this.#take(Math.max(skipped, 0));
      if (this.#position < offset) continue;
      const part = this.#rest.subarray(0, piece.length - filled);
      piece.set(part, filled);
      filled += part.length;
      this.#take(part.length);
      offset = this.#position;
    }
    return piece.subarray(0, filled);
  }

  async close(): Promise<void> {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    await iterator?.return?.();
  }

  #take(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#position += bytes;
  }

  async #next(): Promise<boolean> {
    const next = await this.#iterator?.next();
    if (next === undefined || next.done === true) return false;
    this.#rest = next.value;
    return true;
  }

  async #rewind(): Promise<void> {
    await this.close();
    this.#iterator = this.#store.open(this.#id)[Symbol.asyncIterator]();
    this.#rest = new Uint8Array(0);
    this.#position = 0;
  }
}
