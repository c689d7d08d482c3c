import type { FileHandle } from '@raftlog/core';
import { isUnreadable, PAGE_BYTES } from './files.ts';

const WINDOW_BYTES = 1024 * 1024;

/**
 * A file read front to back in bounded memory. Each refill is a trip to the thread pool, so that a long scan stalls nobody, and goes into the
 * same buffer: a fresh one each time would leave tens of megabytes to a collector that has no other reason to run.
 *
 * Where a page that is asked for can't be read, `refuse` makes the error to throw; without it the page is zero.
 */
export class FileWindow {
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #buffer: Uint8Array;
  readonly #refuse: ((offset: number, cause: unknown) => Error) | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  /** What is in memory, and where in the file it starts. For those who can't afford a view per record. */
  view: DataView = new DataView(new ArrayBuffer(0));
  start = 0;
  /** End of the last page that was asked for and can't be read; 0: there was none. */
  unreadableEnd = 0;

  constructor(handle: FileHandle, size: number, refuse?: (offset: number, cause: unknown) => Error) {
    this.#handle = handle;
    this.size = size;
    this.#refuse = refuse;
    this.#buffer = new Uint8Array(Math.min(WINDOW_BYTES, size));
  }

  /**
   * At least `length` bytes (at most 1 MiB) from `position` on, fewer only at the end of the file; more where they are in memory anyway.
   * They, and `view`, hold until the next fetch.
   */
  async fetch(position: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.size - position));
    const held = this.#peek(position);
    if (held.byteLength >= wanted) return held;
    const read = await this.#fill(position, wanted);
    this.#bytes = this.#buffer.subarray(0, read);
    this.view = new DataView(this.#buffer.buffer, 0, read);
    this.start = position;
    return this.#bytes;
  }

  /** Calls `each` with the bytes from `position` to `end`, one slice of at most 1 MiB after the other. */
  async forEachSlice(position: number, end: number, each: (bytes: Uint8Array) => void): Promise<void> {
    for (let at = position; at < end; ) {
      const held = await this.fetch(at, Math.min(WINDOW_BYTES, end - at));
      const slice = held.subarray(0, Math.min(held.byteLength, WINDOW_BYTES, end - at));
      if (slice.byteLength === 0) return;
      each(slice);
      at += slice.byteLength;
    }
  }

  /** The first position `>= from` and divisible by `alignment` where `needle` stands. */
  async find(needle: Uint8Array, from: number, alignment: number): Promise<number | undefined> {
    for (let position = from; position + needle.byteLength <= this.size; ) {
      const bytes = await this.fetch(position, Math.min(WINDOW_BYTES, this.size - position));
      if (bytes.byteLength < needle.byteLength) return undefined;
      const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) {
        if ((position + at) % alignment === 0) return position + at;
      }
      // The next window overlaps by what a needle across the border needs.
      position += bytes.byteLength - needle.byteLength + 1;
    }
    return undefined;
  }

  /** Fills the buffer from `position` on; with less of it, but `wanted` bytes, where pages can't be read. */
  async #fill(position: number, wanted: number): Promise<number> {
    const into = this.#buffer.subarray(0, this.size - position);
    try {
      return await this.#handle.read(into, position);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
    for (let at = 0; at < into.byteLength; ) {
      const page = into.subarray(at, at + PAGE_BYTES - ((position + at) % PAGE_BYTES));
      try {
        const read = await this.#handle.read(page, position + at);
        if (read < page.byteLength) return at + read;
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        if (at >= wanted) return at;
        if (this.#refuse !== undefined) throw this.#refuse(position + at, error);
        page.fill(0);
        this.unreadableEnd = Math.max(this.unreadableEnd, position + at + page.byteLength);
      }
      at += page.byteLength;
    }
    return into.byteLength;
  }

  #peek(position: number): Uint8Array {
    const at = position - this.start;
    return at >= 0 && at < this.#bytes.byteLength ? this.#bytes.subarray(at) : this.#bytes.subarray(0, 0);
  }
}
