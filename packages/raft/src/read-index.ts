import type { ReadToken } from './message.ts';

/** Who asks: the leader's own host, or a follower. */
export type Reader = { readonly id: number } | { readonly from: string; readonly read: ReadToken };

interface Waiting {
  readonly reader: Reader;
  /** Tick at which it came. */
  readonly since: number;
}

interface ReadBatch {
  readonly round: number;
  readonly index: number;
  readonly readers: readonly Waiting[];
}

/** Reads that are confirmed, and the index that they have to see. */
interface ConfirmedReads {
  readonly index: number;
  readonly readers: readonly Reader[];
}

/**
 * Reads that a leader has to confirm (thesis, section 6.4): its commit index is as new as any client can have seen once the leader has committed in its own term,
 * and it is still the leader if a quorum answers a heartbeat that is sent after the read came.
 */
export class PendingReads {
  #waiting: Waiting[] = [];
  #batches: ReadBatch[] = [];

  /** Reads wait that no heartbeat was sent for. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  add(reader: Reader, now: number): void {
    this.#waiting.push({ reader, since: now });
  }

  /** The heartbeat `round` is sent now, for all that wait. */
  begin(round: number, index: number): void {
    this.#batches.push({ round, index, readers: this.#waiting });
    this.#waiting = [];
  }

  /** What is answered by a quorum's answer to `round`. */
  confirm(round: number): readonly ConfirmedReads[] {
    const confirmed = this.#batches.filter((batch) => batch.round <= round);
    if (confirmed.length > 0) this.#batches = this.#batches.filter((batch) => batch.round > round);
    return confirmed.map(({ index, readers }) => ({ index, readers: readers.map(({ reader }) => reader) }));
  }

  /** All that came at `tick` or before, and is not confirmed: a leader may keep its office without ever committing in its term, as where the disks of others hang. */
  giveUp(tick: number): readonly Reader[] {
    const old = [...this.#batches.flatMap(({ readers }) => readers), ...this.#waiting].filter(
      ({ since }) => since <= tick,
    );
    if (old.length === 0) return [];
    const isLeft = ({ since }: Waiting): boolean => since > tick;
    this.#batches = this.#batches
      .map((batch) => ({ ...batch, readers: batch.readers.filter(isLeft) }))
      .filter(({ readers }) => readers.length > 0);
    this.#waiting = this.#waiting.filter(isLeft);
    return old.map(({ reader }) => reader);
  }

  /** All that can't be answered any more. */
  abandon(): readonly Reader[] {
    return this.giveUp(Number.POSITIVE_INFINITY);
  }
}
