import type { FileHandle, LogId } from '@raftlog/core';
import {
  addToContentChecksum,
  CHUNK_BYTES,
  CHUNK_HEADER_BYTES,
  chunkChecksum,
  chunkSeed,
  encodeDescriptor,
} from './snapshot-format.ts';

// One sync of a gigabyte at the end would hold up the syncs of the log that share the file system's journal.
const SYNC_EVERY_BYTES = 32 * 1024 * 1024;

/** Writes one snapshot file front to back: head, chunks, end. Holds one chunk in memory. */
export class SnapshotWriter {
  readonly #file: FileHandle;
  readonly #description: { readonly lastIncluded: LogId; readonly sequence: number; readonly context: Uint8Array };
  readonly #head: Uint8Array;
  readonly #seed: number;
  readonly #chunk: Uint8Array = new Uint8Array(CHUNK_HEADER_BYTES + CHUNK_BYTES);
  #filled = 0;
  #position = 0;
  #synced = 0;
  #size = 0;
  #contentChecksum = 0;

  constructor(file: FileHandle, description: { lastIncluded: LogId; sequence: number; context: Uint8Array }) {
    this.#file = file;
    this.#description = description;
    this.#head = encodeDescriptor('head', { ...description, size: 0, contentChecksum: 0 });
    this.#seed = chunkSeed(this.#head);
  }

  /** Takes `bytes`, which may change when it has resolved. */
  async add(bytes: Uint8Array): Promise<void> {
    let from = 0;
    while (from < bytes.byteLength) {
      const part = bytes.subarray(from, from + CHUNK_BYTES - this.#filled);
      this.#chunk.set(part, CHUNK_HEADER_BYTES + this.#filled);
      this.#filled += part.byteLength;
      from += part.byteLength;
      if (this.#filled === CHUNK_BYTES) await this.#writeChunk();
    }
  }

  /** Writes what is left and the end; the whole file is durable when it resolves to the size of the content. */
  async end(): Promise<number> {
    if (this.#filled > 0) await this.#writeChunk();
    if (this.#position === 0) await this.#write(this.#head);
    const totals = { size: this.#size, contentChecksum: this.#contentChecksum };
    const end = encodeDescriptor('end', { ...this.#description, ...totals });
    const trailer = new Uint8Array(4);
    new DataView(trailer.buffer).setUint32(0, end.byteLength, true);
    await this.#write(end, trailer);
    await this.#file.datasync();
    return this.#size;
  }

  async #writeChunk(): Promise<void> {
    if (this.#position === 0) await this.#write(this.#head);
    const bytes = this.#chunk.subarray(0, CHUNK_HEADER_BYTES + this.#filled);
    const checksum = chunkChecksum(this.#seed, this.#position, bytes.subarray(CHUNK_HEADER_BYTES));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    view.setUint32(0, this.#filled, true);
    view.setUint32(4, checksum, true);
    await this.#write(bytes);
    this.#size += this.#filled;
    this.#contentChecksum = addToContentChecksum(this.#contentChecksum, checksum);
    this.#filled = 0;
    if (this.#position - this.#synced >= SYNC_EVERY_BYTES) {
      await this.#file.datasync();
      this.#synced = this.#position;
    }
  }

  async #write(...chunks: readonly Uint8Array[]): Promise<void> {
    await this.#file.write(chunks, this.#position);
    for (const chunk of chunks) this.#position += chunk.byteLength;
  }
}
