import { EventList, type HistoryEvent } from './event-list.ts';
import type { Operation } from './history.ts';
import { SeenConfigurations } from './seen-configurations.ts';
import type { SequentialModel } from './sequential-model.ts';

/** Where to look for the next operation to place: from these calls on, in both lists. */
interface Candidates<Input, Output> {
  readonly returned: HistoryEvent<Input, Output> | undefined;
  readonly open: HistoryEvent<Input, Output> | undefined;
}

interface Placed<State, Input, Output> {
  readonly call: HistoryEvent<Input, Output>;
  readonly stateBefore: State;
}

/** How far a search came that found no order. */
export interface SearchFailure<Input, Output> {
  readonly longestOrder: readonly Operation<Input, Output>[];
  readonly stuckAt: Operation<Input, Output>;
}

/**
 * The search of one part: places operations one after the other, each of which was called before any that is left returned, and goes back where that
 * leads nowhere.
 *
 * Operations that never returned are tried after those that did. They may be placed anywhere, so that trying them first would explore, at each of them,
 * all that can't be explained without it.
 */
export class Search<State, Input, Output> {
  readonly #model: SequentialModel<State, Input, Output>;
  readonly #returned: EventList<Input, Output>;
  readonly #open: EventList<Input, Output>;
  readonly #seen: SeenConfigurations<State>;
  readonly #order: Placed<State, Input, Output>[] = [];
  #state: State;
  #failure: SearchFailure<Input, Output> | undefined;

  constructor(model: SequentialModel<State, Input, Output>, operations: readonly Operation<Input, Output>[]) {
    this.#model = model;
    this.#state = model.initial;
    this.#seen = new SeenConfigurations(operations.length);
    const numbered = operations.map((operation, number) => ({ number, operation }));
    this.#returned = new EventList(numbered.filter(({ operation }) => operation.returnedAt !== undefined));
    this.#open = new EventList(numbered.filter(({ operation }) => operation.returnedAt === undefined));
  }

  /** `undefined`: there is an order. */
  run(): SearchFailure<Input, Output> | undefined {
    let candidates = this.#all;
    // What never returned needs no place: it may take effect after all else, or not at all.
    for (let due = this.#returned.firstReturn; due !== undefined; due = this.#returned.firstReturn) {
      if (this.#placeNext(candidates, due.position)) {
        candidates = this.#all;
        continue;
      }
      this.#note(due.operation);
      const last = this.#order.pop();
      if (last === undefined) return this.#failure;
      candidates = this.#takeBack(last);
    }
    return undefined;
  }

  get #all(): Candidates<Input, Output> {
    return { returned: this.#returned.first, open: this.#open.first };
  }

  #placeNext({ returned, open }: Candidates<Input, Output>, deadline: number): boolean {
    return this.#placeFrom(returned, this.#returned, deadline) || this.#placeFrom(open, this.#open, deadline);
  }

  /** Places the first call that fits, of those before `deadline`. */
  #placeFrom(from: HistoryEvent<Input, Output> | undefined, list: EventList<Input, Output>, deadline: number): boolean {
    for (let call = from; call !== undefined && call.position < deadline; call = call.next) {
      const stepped = this.#model.step(this.#state, call.operation.input, call.operation.output);
      if (stepped === undefined) continue;
      this.#seen.toggle(call.number);
      if (this.#seen.addWith(stepped.state)) {
        this.#order.push({ call, stateBefore: this.#state });
        this.#state = stepped.state;
        list.remove(call);
        return true;
      }
      this.#seen.toggle(call.number);
    }
    return false;
  }

  /** Undoes the last step. The answer: where to look for another one in its place. */
  #takeBack({ call, stateBefore }: Placed<State, Input, Output>): Candidates<Input, Output> {
    const wasOpen = call.operation.returnedAt === undefined;
    this.#state = stateBefore;
    this.#seen.toggle(call.number);
    (wasOpen ? this.#open : this.#returned).putBack(call);
    return wasOpen ? { returned: undefined, open: call.next } : { returned: call.next, open: this.#open.first };
  }

  #note(stuckAt: Operation<Input, Output>): void {
    if (this.#failure !== undefined && this.#order.length <= this.#failure.longestOrder.length) return;
    this.#failure = { longestOrder: this.#order.map(({ call }) => call.operation), stuckAt };
  }
}
