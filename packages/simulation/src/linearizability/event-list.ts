import type { Operation } from './history.ts';

/** The call or the return of an operation, in a list of those that have no place yet, by position. */
export interface HistoryEvent<Input, Output> {
  readonly number: number;
  readonly operation: Operation<Input, Output>;
  readonly kind: 'call' | 'return';
  readonly position: number;
  /** Of a call: its return, where there is one. */
  readonly returned: HistoryEvent<Input, Output> | undefined;
  previous: HistoryEvent<Input, Output> | undefined;
  next: HistoryEvent<Input, Output> | undefined;
}

/** Events in a doubly linked list, from which operations are taken and to which they are put back in the opposite order. */
export class EventList<Input, Output> {
  #first: HistoryEvent<Input, Output> | undefined;

  constructor(operations: readonly { readonly number: number; readonly operation: Operation<Input, Output> }[]) {
    const events = operations.flatMap(({ number, operation }) => eventsOf(number, operation));
    events.sort((a, b) => a.position - b.position);
    this.#first = events[0];
    for (const [place, event] of events.entries()) {
      event.previous = events[place - 1];
      event.next = events[place + 1];
    }
  }

  get first(): HistoryEvent<Input, Output> | undefined {
    return this.#first;
  }

  /** What is called after it was called after that operation had returned. */
  get firstReturn(): HistoryEvent<Input, Output> | undefined {
    let event = this.#first;
    while (event?.kind === 'call') event = event.next;
    return event;
  }

  remove(call: HistoryEvent<Input, Output>): void {
    this.#unlink(call);
    if (call.returned !== undefined) this.#unlink(call.returned);
  }

  /** Undoes the latest {@link remove}. */
  putBack(call: HistoryEvent<Input, Output>): void {
    if (call.returned !== undefined) this.#link(call.returned);
    this.#link(call);
  }

  #unlink(event: HistoryEvent<Input, Output>): void {
    if (event.previous === undefined) this.#first = event.next;
    else event.previous.next = event.next;
    if (event.next !== undefined) event.next.previous = event.previous;
  }

  // Its own links still say where it was (Knuth's dancing links).
  #link(event: HistoryEvent<Input, Output>): void {
    if (event.previous === undefined) this.#first = event;
    else event.previous.next = event;
    if (event.next !== undefined) event.next.previous = event;
  }
}

function eventsOf<Input, Output>(number: number, operation: Operation<Input, Output>): HistoryEvent<Input, Output>[] {
  const links = { previous: undefined, next: undefined };
  const { calledAt, returnedAt } = operation;
  if (returnedAt === undefined)
    return [{ number, operation, kind: 'call', position: calledAt, returned: undefined, ...links }];
  const returned: HistoryEvent<Input, Output> = {
    number,
    operation,
    kind: 'return',
    position: returnedAt,
    returned: undefined,
    ...links,
  };
  return [{ number, operation, kind: 'call', position: calledAt, returned, ...links }, returned];
}
