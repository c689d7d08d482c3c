import type { ReadToken } from './message.ts';

/** Who asks: the leader's own host, or a follower. */
export type Reader = { readonly id: number } | { readonly from: string; readonly read: ReadToken };

interface ReadBatch {
  readonly round: number;
  readonly index: number;
  readonly readers: readonly Reader[];
}

/**
 * Reads that a leader has to confirm (thesis, section 6.4): its commit index is as new as any client can have seen once the leader has committed in its own term,
 * and it is still the leader if a quorum answers a heartbeat that is sent after the read came.
 */
export class PendingReads {
  #waiting: Reader[] = [];
  #batches: ReadBatch[] = [];

  /** Reads wait that no heartbeat was sent for. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(reader: Reader): void {
    this.#waiting.push(reader);
  }

  /** The heartbeat `round` is sent now, for all that wait. */
  begin(round: number, index: number): void {
    this.#batches.push({ round, index, readers: this.#waiting });
    this.#waiting = [];
  }

  /** What is answered by a quorum's answer to `round`. */
  confirm(round: number): readonly Omit<ReadBatch, 'round'>[] {
    const confirmed = this.#batches.filter((batch) => batch.round <= round);
    if (confirmed.length > 0) this.#batches = this.#batches.filter((batch) => batch.round > round);
    return confirmed;
  }

  /** All that can't be answered any more. */
  abandon(): readonly Reader[] {
    const readers = [...this.#batches.flatMap((batch) => batch.readers), ...this.#waiting];
    this.#batches = [];
    this.#waiting = [];
    return readers;
  }
}
