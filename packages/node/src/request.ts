import type { Clock } from './clock.ts';
import { NodeError, type Outcome, type StopCode, stopError } from './errors.ts';

interface Settle<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** A call of the application that waits for its answer. It is settled once; what comes later is ignored. */
export class Request<Result> {
  readonly promise: Promise<Result>;
  /** When its time is over. */
  readonly deadline: number;
  /** What is known of it if it ends now. */
  outcome: Outcome = 'none';
  #settle: Settle<Result> | undefined;
  #onEnd: (() => void) | undefined;

  constructor(deadline: number, onEnd: () => void) {
    this.deadline = deadline;
    this.#onEnd = onEnd;
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  get isSettled(): boolean {
    return this.#settle === undefined;
  }

  resolve(result: Result): void {
    this.#end()?.resolve(result);
  }

  reject(error: unknown): void {
    this.#end()?.reject(error);
  }

  #end(): Settle<Result> | undefined {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#onEnd?.();
    this.#onEnd = undefined;
    return settle;
  }
}

/** The calls of the application that wait. Each ends with its answer, when its time is over, when its signal fires, or with the node. */
export class Requests {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #limit: number;
  /** All may wait equally long, so they end in the order in which they came. */
  readonly #open = new Set<Pick<Request<unknown>, 'deadline' | 'outcome' | 'reject'>>();

  constructor(clock: Clock, { timeoutMs, limit }: { readonly timeoutMs: number; readonly limit: number }) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#limit = limit;
  }

  /** Opens one. It is settled already where too many wait, or the signal has fired. */
  open<Result>(signal: AbortSignal | undefined): Request<Result> {
    const onAbort = (): void => request.reject(aborted(signal?.reason, request.outcome));
    const request = new Request<Result>(this.#clock.now() + this.#timeoutMs, () => {
      this.#open.delete(request);
      signal?.removeEventListener('abort', onAbort);
    });
    if (this.#open.size >= this.#limit) request.reject(busy(this.#limit));
    else if (signal?.aborted) onAbort();
    else {
      this.#open.add(request);
      signal?.addEventListener('abort', onAbort, { once: true });
    }
    return request;
  }

  tick(): void {
    const now = this.#clock.now();
    for (const request of this.#open) {
      if (request.deadline > now) return;
      request.reject(timedOut(this.#timeoutMs, request.outcome));
    }
  }

  stop(code: StopCode, cause: unknown): void {
    for (const request of this.#open) request.reject(stopError(code, request.outcome, cause));
  }
}

const WHAT_NOW: Record<Outcome, string> = {
  none: 'It had no effect: try again.',
  unknown:
    'It may or may not be committed, now or later: repeat only what may take effect twice, or through a client session.',
};

function timedOut(milliseconds: number, outcome: Outcome): NodeError<'TIMED_OUT'> {
  return new NodeError('TIMED_OUT', `There was no answer in ${milliseconds} ms. ${WHAT_NOW[outcome]}`, {
    milliseconds,
    outcome,
  });
}

function aborted(cause: unknown, outcome: Outcome): NodeError<'ABORTED'> {
  return new NodeError('ABORTED', `The caller's signal fired. ${WHAT_NOW[outcome]}`, { outcome }, { cause });
}

export function busy(limit: number): NodeError<'BUSY'> {
  return new NodeError('BUSY', 'Too much is under way. Nothing was proposed: try again when something has resolved.', {
    limit,
  });
}

export function notLeader(leader: string | undefined): NodeError<'NOT_LEADER'> {
  return new NodeError(
    'NOT_LEADER',
    leader === undefined
      ? 'This node does not lead, and knows of nobody who does. Try again, or ask another node.'
      : `This node does not lead. Ask ${leader}.`,
    { leader },
  );
}
