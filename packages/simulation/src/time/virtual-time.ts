import type { Random } from '@raftlog/core/conformance';
import { EventHeap, type ScheduledEvent } from './event-heap.ts';

/**
 * The one clock of a run. Nothing happens but the events that are scheduled here, one after the other; what falls on the same instant comes in an order
 * that the seed decides.
 */
export class VirtualTime {
  readonly #random: Random;
  readonly #events = new EventHeap();
  #now = 0;
  #sequence = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Milliseconds since the start of the run. */
  get now(): number {
    return this.#now;
  }

  /** Time of the next event; infinite if none is left. */
  get nextAt(): number {
    return this.#events.first?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Runs `run` once, in `milliseconds`. The function it returns prevents that. */
  schedule(milliseconds: number, run: () => void): () => void {
    const at = this.#now + Math.max(0, milliseconds);
    const event: ScheduledEvent = { at, order: this.#random.next(), sequence: this.#sequence++, run };
    this.#events.add(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Resolves in `milliseconds`. */
  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.schedule(milliseconds, resolve);
    });
  }

  /** Goes on to the next event and starts it; false if it was cancelled. */
  advance(): boolean {
    const event = this.#events.takeFirst();
    if (event === undefined) throw new Error('Nothing is left to happen: schedule something first.');
    if (event.run === undefined) return false;
    this.#now = event.at;
    event.run();
    return true;
  }
}
