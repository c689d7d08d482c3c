import type { Configuration } from './configuration.ts';
import type { Message, MessageBody } from './message.ts';
import type { AppendOrder, Leadership, MessageAfter, Ready, ReadyRead, RefusedRead, SnapshotOrder } from './ready.ts';
import type { Writes } from './writes.ts';

/** Header and body put together; the type checker can't see that they make the same message again. */
export function address(from: string, to: string, term: number, body: MessageBody): Message {
  return { ...body, from, to, term } as Message;
}

/** Collects what the host is to do, until it takes it. */
export class Outbox {
  readonly #writes: Writes;
  #messages: MessageAfter[] = [];
  #appends: AppendOrder[] = [];
  #snapshots: SnapshotOrder[] = [];
  #reads: ReadyRead[] = [];
  #refusedReads: RefusedRead[] = [];
  #orderCount = 0;
  #leadership: Leadership | undefined;
  #configuration: Configuration | undefined;

  constructor(writes: Writes) {
    this.#writes = writes;
  }

  /**
   * Sends a message once all is durable that it depends on: the term and vote of this moment, always (Raft paper, figure 2, "updated on stable storage before
   * responding"), and the log up to `vouchesFor`. A leader's appends vouch for nothing: they may overtake its own disk (thesis, section 10.2.1).
   */
  send(message: Message, vouchesFor = 0): void {
    const writeId = Math.max(this.#writes.hardStateDependency, this.#writes.logDependency(vouchesFor));
    this.#messages.push({ writeId, message });
  }

  orderAppend(order: Omit<AppendOrder, 'id'>): AppendOrder {
    const numbered = { id: ++this.#orderCount, ...order };
    this.#appends.push(numbered);
    return numbered;
  }

  orderSnapshot(to: string): SnapshotOrder {
    const order = { id: ++this.#orderCount, to };
    this.#snapshots.push(order);
    return order;
  }

  answerRead(read: ReadyRead): void {
    this.#reads.push(read);
  }

  refuseRead(read: RefusedRead): void {
    this.#refusedReads.push(read);
  }

  take(
    log: { readonly commitIndex: number; readonly applicable: number; readonly configuration: Configuration },
    leadership: Leadership,
  ): Ready {
    const write = this.#writes.take();
    // What waits for a write that came to nothing, because a snapshot replaced the log, vouches for what is gone.
    const due = this.#messages.filter(({ writeId }) => writeId <= this.#writes.lastId);
    const ready: Ready = {
      write,
      messages: due.filter(({ writeId }) => this.#writes.isStored(writeId)).map(({ message }) => message),
      messagesAfter: due.filter(({ writeId }) => !this.#writes.isStored(writeId)),
      appends: this.#appends,
      snapshots: this.#snapshots,
      commitIndex: log.commitIndex,
      applicable: log.applicable,
      reads: this.#reads,
      refusedReads: this.#refusedReads,
      leadership: isSame(leadership, this.#leadership) ? undefined : leadership,
      configuration: log.configuration === this.#configuration ? undefined : log.configuration,
    };
    this.#leadership = leadership;
    this.#configuration = log.configuration;
    this.#messages = [];
    this.#appends = [];
    this.#snapshots = [];
    this.#reads = [];
    this.#refusedReads = [];
    return ready;
  }
}

function isSame(a: Leadership, b: Leadership | undefined): boolean {
  return a.role === b?.role && a.term === b.term && a.leader === b.leader;
}
