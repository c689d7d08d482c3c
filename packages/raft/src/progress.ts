import type { AppendOrder, SnapshotOrder } from './ready.ts';
import type { ReplicationState } from './status.ts';

/** How much may be on its way to one peer. */
export interface WindowLimits {
  readonly maxInFlightMessages: number;
  readonly maxInFlightBytes: number;
}

interface InFlight {
  readonly lastIndex: number;
  readonly bytes: number;
}

/**
 * What a leader knows of one peer's log (Raft paper, section 5.3), and how fast it may be sent to:
 *
 * - `probe`: it isn't known where the logs match. One message, then wait for an answer, or a sign of life if that is lost.
 * - `replicate`: it is known. Messages are pipelined, up to the window (thesis, section 10.2.1); `next` runs ahead of `match`.
 * - `snapshot`: the peer needs what is compacted away. Nothing is sent until the snapshot is there.
 */
export class Progress {
  readonly #limits: WindowLimits;
  #state: ReplicationState = 'probe';
  #match = 0;
  #next: number;
  /** Of a probe: its answer is awaited. */
  #isPaused = false;
  #inFlight: InFlight[] = [];
  #inFlightBytes = 0;
  #appendOrder: AppendOrder | undefined;
  #snapshotOrder: SnapshotOrder | undefined;
  #matchAtLastSign = 0;
  /** Tick at which the peer was last heard. */
  heardAt: number;
  /** Highest heartbeat round that it has answered. */
  answeredRound = 0;
  /** Highest commit index that it was told. */
  toldCommit = 0;

  constructor(limits: WindowLimits, next: number, now: number) {
    this.#limits = limits;
    this.#next = next;
    this.heardAt = now;
  }

  get state(): ReplicationState {
    return this.#state;
  }

  get match(): number {
    return this.#match;
  }

  get next(): number {
    return this.#next;
  }

  get inFlightMessages(): number {
    return this.#inFlight.length;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** Bytes that the next message may have; 0 if none may be sent. */
  get room(): number {
    if (this.#appendOrder !== undefined || this.#state === 'snapshot') return 0;
    if (this.#state === 'probe') return this.#isPaused ? 0 : this.#limits.maxInFlightBytes;
    if (this.#inFlight.length >= this.#limits.maxInFlightMessages) return 0;
    return Math.max(this.#limits.maxInFlightBytes - this.#inFlightBytes, 0);
  }

  /** Entries are being read for it. */
  awaitEntries(order: AppendOrder): void {
    this.#appendOrder = order;
  }

  /** True: the entries of this order may be sent. Whatever has happened to the peer since the order was given has made another `next` of it, or voided it. */
  fulfils(order: AppendOrder): boolean {
    if (this.#appendOrder?.id !== order.id) return false;
    this.#appendOrder = undefined;
    return true;
  }

  /** The read failed: not again before the peer shows a sign of life, lest it be tried in every turn. */
  readFailed(): void {
    this.#probeFrom(this.#match + 1);
    this.#isPaused = true;
  }

  /** A message with the entries from `next` to `lastIndex` goes out. */
  sent(lastIndex: number, bytes: number): void {
    if (this.#state === 'probe') {
      this.#isPaused = true;
      return;
    }
    this.#next = lastIndex + 1;
    this.#inFlight.push({ lastIndex, bytes });
    this.#inFlightBytes += bytes;
  }

  /** Its log equals the leader's up to `index`. `boundary` is the last index that the leader can't send any more. */
  accepted(index: number, boundary: number): void {
    // Late: a later answer has come before.
    if (index < this.#match) return;
    this.#match = index;
    if (this.#state === 'replicate') {
      this.#next = Math.max(this.#next, index + 1);
      this.#release();
    } else if (this.#state === 'probe' || index >= boundary) {
      this.#clear('replicate', index + 1);
    }
  }

  /** It lacks the entry `rejected`; `guess` is the next one that may be worth a try. */
  rejected(rejected: number, guess: number): void {
    if (rejected <= this.#match) return;
    if (this.#state === 'replicate') this.#probeFrom(this.#match + 1);
    // Any other rejection answers an earlier probe.
    else if (this.#state === 'probe' && rejected === this.#next - 1)
      this.#probeFrom(Math.max(Math.min(rejected, guess), this.#match + 1));
  }

  /** It has answered a heartbeat. True: entries are on their way for so long that they may be lost, and it should be asked. */
  showedLife(): boolean {
    this.#isPaused = false;
    const isStuck =
      this.#state === 'replicate' && this.#match === this.#matchAtLastSign && this.#match < this.#next - 1;
    this.#matchAtLastSign = this.#match;
    return isStuck;
  }

  /** Its log was damaged: what it has acknowledged from here on is gone. What is committed stays so; until it is whole again, that peer doesn't vote. */
  lost(from: number): void {
    if (from > this.#match) return;
    this.#match = from - 1;
    if (this.#state !== 'snapshot') this.#probeFrom(from);
  }

  /** The connection is lost, and what was on its way. */
  unreachable(): void {
    if (this.#state === 'replicate') this.#probeFrom(this.#match + 1);
  }

  awaitSnapshot(order: SnapshotOrder): void {
    this.#clear('snapshot', this.#next);
    this.#snapshotOrder = order;
  }

  /** The snapshot of this order was installed up to `lastIncluded`, or, if `undefined`, was not. */
  snapshotEnded(order: SnapshotOrder, lastIncluded: number | undefined): void {
    if (this.#snapshotOrder?.id !== order.id) return;
    this.#probeFrom(Math.max(lastIncluded ?? 0, this.#match) + 1);
    this.#isPaused = lastIncluded === undefined;
  }

  #probeFrom(next: number): void {
    this.#clear('probe', next);
  }

  #clear(state: ReplicationState, next: number): void {
    this.#state = state;
    this.#next = next;
    this.#isPaused = false;
    this.#inFlight = [];
    this.#inFlightBytes = 0;
    this.#appendOrder = undefined;
    this.#snapshotOrder = undefined;
  }

  /** An answer stands for all before it. */
  #release(): void {
    let count = 0;
    for (const { lastIndex, bytes } of this.#inFlight) {
      if (lastIndex > this.#match) break;
      this.#inFlightBytes -= bytes;
      count++;
    }
    this.#inFlight.splice(0, count);
  }
}
