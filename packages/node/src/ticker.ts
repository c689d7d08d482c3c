import type { Clock } from './clock.ts';
import type { ResolvedConfig } from './config.ts';

/** What a {@link Ticker} calls. */
export interface TickerEvents {
  /** That many ticks have passed. */
  ticks(count: number): void;
  /** Once for each timer, however late it is. */
  tick(): void;
}

/** Turns the clock into the ticks of the core. */
export class Ticker {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #maxTicks: number;
  readonly #events: TickerEvents;
  #tickedUntil: number;
  #cancel: (() => void) | undefined;

  constructor(
    clock: Clock,
    { tickMs, electionTicks }: Pick<ResolvedConfig, 'tickMs' | 'electionTicks'>,
    events: TickerEvents,
  ) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    // That is enough to end any lease and to doubt any leader; what lies beyond would only be counted.
    this.#maxTicks = electionTicks;
    this.#events = events;
    this.#tickedUntil = clock.now();
  }

  start(): void {
    this.#setTimer();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /**
   * Ticks for all the time that has passed. A process that was held up would otherwise believe in a lease that is over by the clocks of the others.
   */
  catchUp(): void {
    const passed = Math.floor((this.#clock.now() - this.#tickedUntil) / this.#tickMs);
    if (passed <= 0) return;
    // What is cut off is never made up for; time that was less than a tick is.
    this.#tickedUntil += passed * this.#tickMs;
    this.#events.ticks(Math.min(passed, this.#maxTicks));
  }

  #setTimer(): void {
    this.#cancel = this.#clock.setTimer(this.#tickMs, () => {
      this.#setTimer();
      this.catchUp();
      this.#events.tick();
    });
  }
}
