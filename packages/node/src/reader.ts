import type { ReadyRead, RefusedRead } from '@raftlog/raft';
import type { CoreHost } from './core-host.ts';
import { notLeader, type Request, type Requests } from './request.ts';
import type { StateMachine } from './state-machine.ts';

/**
 * What a read may miss.
 *
 * - `linearizable`: nothing that was acknowledged to anybody before the read began. Costs one round of heartbeats, shared by all reads of a moment, and no
 *   write (thesis, section 6.4).
 * - `lease`: the same at no cost on a leader, as long as the clocks of the nodes run equally fast within `leaseMarginMs` (thesis, section 6.4.1).
 *   Where there is no lease it is `linearizable`.
 * - `local`: whatever hasn't reached this node yet. It may go back in time from one node to another.
 */
export type Consistency = 'linearizable' | 'lease' | 'local';

/** What a {@link Reader} depends on. */
export interface ReaderOptions {
  readonly host: CoreHost;
  readonly requests: Requests;
  readonly machine: StateMachine;
  readonly forward: boolean;
  /** Highest index whose effects the state has; `undefined` while it is replaced by a snapshot's. */
  readonly appliedIndex: () => number | undefined;
  /** Ticks for all the time that has passed: a lease must not live on because the process was held up. */
  readonly catchUp: () => void;
}

interface Call {
  readonly query: Uint8Array;
  readonly request: Request<Uint8Array>;
}

interface WaitingCall extends Call {
  /** The state must have this much. */
  readonly index: number;
}

/** Answers reads, each when the state machine has what it has to see. */
export class Reader {
  readonly #options: ReaderOptions;
  /** By id of the read index that they share. */
  readonly #asked = new Map<number, readonly Call[]>();
  /** Not asked for yet: all reads of a turn share one read index. */
  #batch: Call[] = [];
  /** They wait for a leader. */
  #parked: Call[] = [];
  #waiting: WaitingCall[] = [];
  #nextId = 1;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  read(query: Uint8Array, consistency: Consistency, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const request = this.#options.requests.open<Uint8Array>(signal);
    const call = { query, request };
    if (consistency === 'local') this.#answerAt(call, 0);
    else if (consistency === 'lease') this.#readByLease(call);
    else this.#ask(call);
    return request.promise;
  }

  #readByLease(call: Call): void {
    this.#options.catchUp();
    const index = this.#options.host.input((core) => core.leaseReadIndex());
    if (index === undefined) this.#ask(call);
    else this.#answerAt(call, index);
  }

  #ask(call: Call): void {
    if (call.request.isSettled) return;
    if (!this.#options.forward) {
      const status = this.#options.host.input((core) => core.status());
      if (status === undefined) return;
      if (status.role !== 'leader') {
        call.request.reject(notLeader(status.leader));
        return;
      }
    }
    this.#batch.push(call);
    if (this.#batch.length === 1) queueMicrotask(() => this.#askForBatch());
  }

  #askForBatch(): void {
    const id = this.#nextId++;
    this.#asked.set(id, this.#batch);
    this.#batch = [];
    this.#options.host.input((core) => core.readIndex(id));
  }

  ready({ id, index }: ReadyRead): void {
    const calls = this.#asked.get(id) ?? [];
    this.#asked.delete(id);
    for (const call of calls) this.#answerAt(call, index);
  }

  /** They are asked again with the next tick, until their time is over: somebody will lead. */
  refused({ id }: RefusedRead): void {
    this.#parked.push(...(this.#asked.get(id) ?? []));
    this.#asked.delete(id);
  }

  #answerAt(call: Call, index: number): void {
    if (this.#isReached(index)) this.#answer(call);
    else this.#waiting.push({ ...call, index });
  }

  #isReached(index: number): boolean {
    const applied = this.#options.appliedIndex();
    return applied !== undefined && applied >= index;
  }

  /** The state has come further. */
  applied(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const call of waiting) this.#answerAt(call, call.index);
  }

  tick(): void {
    this.#waiting = this.#waiting.filter(({ request }) => !request.isSettled);
    for (const call of this.#parked.splice(0)) this.#ask(call);
  }

  #answer({ query, request }: Call): void {
    if (request.isSettled) return;
    try {
      Promise.resolve(this.#options.machine.query(query)).then(
        (result) => request.resolve(result),
        (error: unknown) => request.reject(error),
      );
    } catch (error) {
      request.reject(error);
    }
  }
}
