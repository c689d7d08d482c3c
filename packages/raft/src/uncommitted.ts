import type { Entry } from '@raftlog/core';

// What an entry takes beside its data, so that empty ones count as well; the same as in the storage.
const ENTRY_OVERHEAD_BYTES = 12;

export function bytesOf(entries: readonly Pick<Entry, 'data'>[]): number {
  return entries.reduce((bytes, { data }) => bytes + data.byteLength + ENTRY_OVERHEAD_BYTES, 0);
}

/** Bounds what a leader takes before it is committed: a leader cut off from its quorum must not fill its disk. */
export class UncommittedProposals {
  readonly #limit: number;
  #proposals: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A single proposal always has room, however large: it could never succeed otherwise. */
  hasRoomFor(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#limit;
  }

  add(lastIndex: number, bytes: number): void {
    this.#proposals.push({ lastIndex, bytes });
    this.#bytes += bytes;
  }

  committed(index: number): void {
    const rest = this.#proposals.findIndex(({ lastIndex }) => lastIndex > index);
    for (const { bytes } of this.#proposals.splice(0, rest < 0 ? this.#proposals.length : rest)) this.#bytes -= bytes;
  }
}
