import type { Entry, LogId } from '@raftlog/core';
import {
  type AppendOrder,
  type Configuration,
  type Message,
  type MessageAfter,
  RaftCore,
  type RaftOptions,
  type ReadyRead,
  type RefusedRead,
  type SnapshotOrder,
  type Status,
} from '../../src/index.ts';
import { type TestSnapshot, TestStorage } from './test-storage.ts';

/** What goes over the network: the core's messages, and the host's for snapshots. */
export type Packet =
  | { readonly kind: 'message'; readonly from: string; readonly to: string; readonly message: Message }
  | {
      readonly kind: 'snapshot';
      readonly from: string;
      readonly to: string;
      readonly order: SnapshotOrder;
      readonly snapshot: TestSnapshot;
    }
  | {
      readonly kind: 'installed';
      readonly from: string;
      readonly to: string;
      readonly order: SnapshotOrder;
      readonly index: number;
      readonly term: number;
    };

export type CoreOptions = Partial<Omit<RaftOptions, 'id' | 'hardState' | 'log'>>;

/** A host as small as it can be: a core, its storage, a list as the state machine. It writes, reads and applies when the test says so. */
export class TestServer {
  readonly id: string;
  readonly storage: TestStorage;
  readonly #send: (packet: Packet) => void;
  readonly #options: CoreOptions;
  #core: RaftCore | undefined;
  /** Entries applied, from the first one on: what a client could have seen. */
  applied: Entry[] = [];
  reads: ReadyRead[] = [];
  refusedReads: RefusedRead[] = [];
  appendOrders: AppendOrder[] = [];
  snapshotOrders: SnapshotOrder[] = [];
  readonly #snapshotsUnderWay = new Set<SnapshotOrder>();
  #messagesAfter: MessageAfter[] = [];
  #applicable = 0;

  constructor(id: string, initial: Configuration, options: CoreOptions, send: (packet: Packet) => void) {
    this.id = id;
    this.storage = new TestStorage(initial);
    this.#options = options;
    this.#send = send;
    this.start();
  }

  get isUp(): boolean {
    return this.#core !== undefined;
  }

  get core(): RaftCore {
    if (this.#core === undefined) throw new Error(`${this.id} is down`);
    return this.#core;
  }

  get status(): Status {
    return this.core.status();
  }

  start(): void {
    const log = this.storage.describe();
    const { snapshot } = this.storage;
    this.applied = [...(snapshot?.applied ?? [])];
    this.#core = new RaftCore({
      randomInt: () => 0,
      ...this.#options,
      id: this.id,
      hardState: this.storage.hardState,
      log,
      appliedIndex: snapshot?.lastIncluded.index ?? 0,
    });
    this.#applicable = 0;
  }

  crash(): void {
    this.#core = undefined;
    this.storage.crash();
    this.appendOrders = [];
    this.snapshotOrders = [];
    this.#snapshotsUnderWay.clear();
    this.#messagesAfter = [];
  }

  /** One input, and what comes of it. */
  input<Result>(act: (core: RaftCore) => Result): Result {
    const result = act(this.core);
    this.#handleReady();
    return result;
  }

  receive(packet: Packet): void {
    if (packet.kind === 'message') this.input((core) => core.step(packet.message));
    else if (packet.kind === 'snapshot') this.#install(packet);
    else this.snapshotEnded(packet.order, { index: packet.index, term: packet.term });
  }

  /** Not for an order from before a crash: the host has forgotten it. */
  snapshotEnded(order: SnapshotOrder, lastIncluded: LogId | undefined): void {
    if (this.isUp && this.#snapshotsUnderWay.delete(order))
      this.input((core) => core.snapshotSent(order, lastIncluded));
  }

  /** One write becomes durable. */
  storeNext(): boolean {
    const id = this.storage.storeNext();
    if (id === undefined) return false;
    const due = this.#messagesAfter.filter(({ writeId }) => writeId <= id);
    this.#messagesAfter = this.#messagesAfter.filter(({ writeId }) => writeId > id);
    for (const { message } of due) this.#sendMessage(message);
    this.input((core) => core.stored(id));
    return true;
  }

  /** One read of entries, or one snapshot, is done. */
  fillNext(): boolean {
    const order = this.appendOrders.shift();
    if (order !== undefined) {
      const entries = this.storage.read(order.first, order.last, order.maxBytes);
      const message = this.input((core) => core.fill(order, entries));
      if (message !== undefined) this.#sendMessage(message);
      return true;
    }
    const snapshotOrder = this.snapshotOrders.shift();
    if (snapshotOrder === undefined) return false;
    const { snapshot } = this.storage;
    if (snapshot === undefined) throw new Error('a snapshot was ordered, but the log was never compacted');
    this.#snapshotsUnderWay.add(snapshotOrder);
    this.#send({ kind: 'snapshot', from: this.id, to: snapshotOrder.to, order: snapshotOrder, snapshot });
    return true;
  }

  /** Applies all that may be. */
  apply(): boolean {
    const before = this.applied.length;
    while (this.applied.length < this.#applicable) {
      const entry = this.storage.entry(this.applied.length + 1);
      if (entry === undefined) throw new Error(`${this.id} has no entry ${this.applied.length + 1} to apply`);
      this.applied.push(entry);
    }
    if (this.applied.length === before) return false;
    this.input((core) => core.applied(this.applied.length));
    return true;
  }

  /** Saves a snapshot of all that is applied, and purges the log through it. */
  compact(): void {
    const last = this.applied.at(-1);
    if (last === undefined || last.index <= this.storage.boundary.index) return;
    const lastIncluded = { index: last.index, term: last.term };
    const configuration = this.core.configurationAt(last.index);
    this.storage.saveSnapshot({ lastIncluded, configuration, applied: [...this.applied] });
    this.storage.purge(lastIncluded);
    this.input((core) => core.compacted(lastIncluded));
  }

  #install({ from, order, snapshot }: Packet & { readonly kind: 'snapshot' }): void {
    const { lastIncluded } = snapshot;
    this.storage.saveSnapshot(snapshot);
    const outcome = this.core.installSnapshot(snapshot);
    if (outcome === 'log-reset') {
      this.storage.reset(lastIncluded);
      this.applied = [...snapshot.applied];
    }
    this.#handleReady();
    if (outcome === 'log-reset') this.input((core) => core.applied(lastIncluded.index));
    this.#send({ kind: 'installed', from: this.id, to: from, order, ...lastIncluded });
  }

  #handleReady(): void {
    const ready = this.core.ready();
    if (ready.write !== undefined) this.storage.write(ready.write);
    for (const message of ready.messages) this.#sendMessage(message);
    this.#messagesAfter.push(...ready.messagesAfter);
    this.appendOrders.push(...ready.appends);
    this.snapshotOrders.push(...ready.snapshots);
    this.reads.push(...ready.reads);
    this.refusedReads.push(...ready.refusedReads);
    this.#applicable = ready.applicable;
    if (!this.status.damaged) this.storage.healed();
  }

  #sendMessage(message: Message): void {
    this.#send({ kind: 'message', from: message.from, to: message.to, message });
  }
}
