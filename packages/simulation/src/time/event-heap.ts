/** Something that will happen. */
export interface ScheduledEvent {
  readonly at: number;
  /** Decides between events of one instant. */
  readonly order: number;
  /** Decides where even that is equal. */
  readonly sequence: number;
  /** `undefined`: cancelled. */
  run: (() => void) | undefined;
}

/** Events, the earliest first: a binary heap. */
export class EventHeap {
  readonly #events: ScheduledEvent[] = [];

  get first(): ScheduledEvent | undefined {
    return this.#events[0];
  }

  add(event: ScheduledEvent): void {
    let place = this.#events.length;
    while (place > 0) {
      const above = (place - 1) >>> 1;
      const parent = this.#events[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      this.#events[place] = parent;
      place = above;
    }
    this.#events[place] = event;
  }

  takeFirst(): ScheduledEvent | undefined {
    const first = this.#events[0];
    const last = this.#events.pop();
    if (last !== undefined && this.#events.length > 0) this.#sink(last);
    return first;
  }

  /** Lets `event` go down from the top to its place. */
  #sink(event: ScheduledEvent): void {
    let place = 0;
    for (;;) {
      const left = this.#events[2 * place + 1];
      const right = this.#events[2 * place + 2];
      if (left === undefined) break;
      const goesRight = right !== undefined && isBefore(right, left);
      const smaller = goesRight ? right : left;
      if (!isBefore(smaller, event)) break;
      this.#events[place] = smaller;
      place = 2 * place + (goesRight ? 2 : 1);
    }
    this.#events[place] = event;
  }
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.order !== b.order ? a.order < b.order : a.sequence < b.sequence;
}
