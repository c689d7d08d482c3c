import type { LogId, SnapshotStore } from '@raftlog/core';
import { encodeConfiguration, type SnapshotOrder } from '@raftlog/raft';
import type { NodeMessage, SnapshotChunk, SnapshotProgress } from './node-message.ts';
import { type StateSnapshot, stateSnapshots } from './snapshot-context.ts';
import { SnapshotSource } from './snapshot-source.ts';

/** Pieces that are sent ahead of the receiver's answer. */
const WINDOW = 4;

/** Times that pieces are sent again without an answer before the transfer is given up; the leader orders another one when the peer shows up. */
const MAX_ATTEMPTS = 5;

/** What a {@link SnapshotSender} depends on. */
export interface SnapshotSenderOptions {
  readonly snapshots: SnapshotStore;
  readonly send: (to: string, message: NodeMessage) => void;
  readonly chunkBytes: number;
  /** Ticks without an answer after which pieces are sent again. */
  readonly retryTicks: number;
  /** Drawn at the start: tells the snapshots of this run of this node from all others. */
  readonly session: number;
  /** `RaftCore.snapshotSent`. */
  readonly ended: (order: SnapshotOrder, lastIncluded: LogId | undefined) => void;
  readonly sent: (snapshot: StateSnapshot) => void;
  readonly failed: (error: unknown) => void;
}

interface Transfer {
  readonly order: SnapshotOrder;
  readonly name: string;
  readonly snapshot: StateSnapshot;
  readonly source: SnapshotSource;
  /** Sent and not yet answered, ascending. They are kept, so that what is lost needn't be read again. */
  readonly unanswered: SnapshotChunk[];
  /** The next byte to send. */
  next: number;
  /** True: all was sent. An empty snapshot takes a piece too. */
  isSent: boolean;
  isReading: boolean;
  silentTicks: number;
  attempts: number;
  /** What the receiver said last, and up to where pieces were sent again because it had said so twice. */
  answered: number;
  repeatedAt: number;
}

/** Sends snapshots to peers that need entries which are compacted away, one to each at a time, piece by piece. */
export class SnapshotSender {
  readonly #options: SnapshotSenderOptions;
  readonly #transfers = new Map<string, Transfer>();
  /** The last order for each peer: one that has been replaced, or belongs to a leadership that was lost, begins nothing any more. */
  readonly #orders = new Map<string, SnapshotOrder>();

  constructor(options: SnapshotSenderOptions) {
    this.#options = options;
  }

  /** The ids of the snapshots that are being sent. */
  get inUse(): ReadonlySet<string> {
    return new Set([...this.#transfers.values()].map(({ snapshot }) => snapshot.info.id));
  }

  async send(order: SnapshotOrder): Promise<void> {
    this.#abandon(order.to);
    this.#orders.set(order.to, order);
    try {
      const [snapshot] = await stateSnapshots(this.#options.snapshots);
      if (this.#orders.get(order.to) !== order) return;
      if (snapshot === undefined) return this.#options.ended(order, undefined);
      const { id } = snapshot.info;
      const transfer: Transfer = {
        order,
        name: `${this.#options.session}/${id}`,
        snapshot,
        source: new SnapshotSource(this.#options.snapshots, id, this.#options.chunkBytes),
        unanswered: [],
        next: 0,
        isSent: false,
        isReading: false,
        silentTicks: 0,
        attempts: 0,
        answered: -1,
        repeatedAt: -1,
      };
      this.#transfers.set(order.to, transfer);
      await this.#fillWindow(transfer);
    } catch (error) {
      this.#options.failed(error);
      this.#options.ended(order, undefined);
    }
  }

  /** The receiver says how far it is. It may be further than what this transfer has sent, or have begun anew. */
  progressed(from: string, { transfer: name, offset, installed }: SnapshotProgress): void {
    const transfer = this.#transfers.get(from);
    if (transfer?.name !== name) return;
    transfer.silentTicks = 0;
    transfer.attempts = 0;
    if (installed) {
      this.#end(transfer, true);
      return;
    }
    const { unanswered } = transfer;
    while (unanswered[0] !== undefined && endOf(unanswered[0]) <= offset) unanswered.shift();
    const base = unanswered[0]?.offset ?? transfer.next;
    // Further than was sent: it goes on with a transfer that broke off. At the start: it has begun anew. Anything else below is a late answer.
    if (offset > base || (offset === 0 && base > 0)) {
      unanswered.length = 0;
      transfer.next = offset;
      transfer.isSent = false;
    }
    this.#repeatIfLost(transfer, offset);
    void this.#fillWindow(transfer);
  }

  /** Twice the same answer: a later piece has come before the one that is expected, which is lost, or was overtaken. Once for each place is enough. */
  #repeatIfLost(transfer: Transfer, offset: number): void {
    const isRepeated = transfer.answered === offset && transfer.unanswered[0]?.offset === offset;
    transfer.answered = offset;
    if (!isRepeated || transfer.repeatedAt === offset) return;
    transfer.repeatedAt = offset;
    this.#sendAgain(transfer);
  }

  tick(): void {
    for (const transfer of this.#transfers.values()) {
      if (transfer.isReading && transfer.unanswered.length === 0) continue;
      transfer.silentTicks++;
      if (transfer.silentTicks < this.#options.retryTicks) continue;
      transfer.silentTicks = 0;
      transfer.attempts++;
      if (transfer.attempts > MAX_ATTEMPTS) this.#end(transfer, false);
      else this.#sendAgain(transfer);
    }
  }

  #sendAgain(transfer: Transfer): void {
    for (const chunk of transfer.unanswered) this.#options.send(transfer.order.to, chunk);
    // All has arrived, but nobody said that it is installed: asks.
    if (transfer.unanswered.length === 0) {
      this.#options.send(transfer.order.to, this.#chunk(transfer, transfer.next, new Uint8Array(0)));
    }
  }

  /** Leadership is lost: whoever leads now sends its own. */
  stop(): void {
    this.#orders.clear();
    for (const peer of [...this.#transfers.keys()]) this.#abandon(peer);
  }

  async #fillWindow(transfer: Transfer): Promise<void> {
    if (transfer.isReading) return;
    transfer.isReading = true;
    try {
      while (this.#isOpen(transfer) && transfer.unanswered.length < WINDOW && !transfer.isSent) {
        const offset = transfer.next;
        const data = await transfer.source.read(offset);
        // The receiver has asked for another place meanwhile.
        if (transfer.next !== offset || !this.#isOpen(transfer)) continue;
        this.#sendPiece(transfer, offset, data);
      }
    } catch (error) {
      this.#options.failed(error);
      this.#end(transfer, false);
    } finally {
      transfer.isReading = false;
    }
  }

  #sendPiece(transfer: Transfer, offset: number, data: Uint8Array): void {
    const { size } = transfer.snapshot.info;
    if (data.length === 0 && offset < size) throw new Error(`The snapshot ends at ${offset}, not at ${size}.`);
    const chunk = this.#chunk(transfer, offset, data);
    transfer.next = endOf(chunk);
    transfer.isSent = transfer.next >= size;
    transfer.unanswered.push(chunk);
    this.#options.send(transfer.order.to, chunk);
  }

  #chunk({ name, snapshot }: Transfer, offset: number, data: Uint8Array): SnapshotChunk {
    const { lastIncluded, size } = snapshot.info;
    const configuration = encodeConfiguration(snapshot.configuration);
    return { type: 'snapshot-chunk', transfer: name, lastIncluded, configuration, size, offset, data };
  }

  #isOpen(transfer: Transfer): boolean {
    return this.#transfers.get(transfer.order.to) === transfer;
  }

  #end(transfer: Transfer, installed: boolean): void {
    if (!this.#isOpen(transfer)) return;
    this.#transfers.delete(transfer.order.to);
    this.#close(transfer);
    if (installed) this.#options.sent(transfer.snapshot);
    this.#options.ended(transfer.order, installed ? transfer.snapshot.info.lastIncluded : undefined);
  }

  #abandon(peer: string): void {
    const transfer = this.#transfers.get(peer);
    this.#transfers.delete(peer);
    if (transfer !== undefined) this.#close(transfer);
  }

  #close(transfer: Transfer): void {
    transfer.source.close().catch((error: unknown) => this.#options.failed(error));
  }
}

function endOf({ offset, data }: SnapshotChunk): number {
  return offset + data.length;
}
