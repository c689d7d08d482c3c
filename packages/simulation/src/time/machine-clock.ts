import type { Clock } from '@raftlog/node';
import type { ProcessLife } from './process-life.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What a machine that was held up comes to first; what is left comes in any order. */
export type Waking = 'anything' | 'calls' | 'messages';

/** The monotonic clock of one machine: its own zero, its own speed, and pauses in which time goes on and nothing runs. */
export class MachineClock {
  readonly #time: VirtualTime;
  readonly #offset: number;
  readonly #onAwake: () => void;
  /** Milliseconds of this clock in one of the virtual time. */
  #rate: number;
  /** Both clocks when the rate was set. */
  #base: { readonly at: number; readonly reading: number };
  #pausedUntil = 0;
  #first: Waking = 'anything';
  /** What waits for the end of the pause and is to come first then. */
  #waiting: (() => void)[] = [];

  /** `onAwake` is called before anything runs on the machine. */
  constructor(time: VirtualTime, offset: number, rate: number, onAwake: () => void) {
    this.#time = time;
    this.#offset = offset;
    this.#rate = rate;
    this.#onAwake = onAwake;
    this.#base = { at: time.now, reading: 0 };
  }

  now(): number {
    return this.#offset + this.#base.reading + (this.#time.now - this.#base.at) * this.#rate;
  }

  /** Timers that are set keep the moment they had. */
  setRate(rate: number): void {
    this.#base = { at: this.#time.now, reading: this.now() - this.#offset };
    this.#rate = rate;
  }

  /**
   * Stops all that runs on this machine for `milliseconds`, as a garbage collection or a suspended machine does. `first`: what comes before all else when it
   * is over.
   */
  pause(milliseconds: number, first: Waking): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#time.now + milliseconds);
    this.#first = first;
  }

  /** As {@link whenAwake}, for what the application on this machine asks of the node. */
  whenCallable(run: () => void): void {
    this.#whenAwakeAs('calls', run);
  }

  /** As {@link whenAwake}, for what comes over the network: it may be read from the socket before timers that were due long ago. */
  whenReceivable(run: () => void): void {
    this.#whenAwakeAs('messages', run);
  }

  #whenAwakeAs(what: Waking, run: () => void): void {
    const comesFirst = this.#first === what && this.#pausedUntil > this.#time.now;
    if (comesFirst) this.#waiting.push(run);
    // Something has to wake up.
    this.whenAwake(comesFirst ? () => {} : run);
  }

  /** Ends a pause. */
  resume(): void {
    this.#pausedUntil = 0;
  }

  /** Runs `run` now, or when the pause is over. */
  whenAwake(run: () => void): void {
    const left = this.#pausedUntil - this.#time.now;
    if (left > 0) {
      this.#time.schedule(left, () => this.whenAwake(run));
    } else {
      this.#onAwake();
      for (const waiting of this.#waiting.splice(0)) waiting();
      run();
    }
  }

  /** The clock of one process on this machine. Its timers end with it. */
  clockOf(life: ProcessLife): Clock {
    return {
      now: () => this.now(),
      setTimer: (milliseconds, run) => {
        let cancelled = false;
        const cancel = this.#time.schedule(milliseconds / this.#rate, () => {
          life.whenAwake(() => {
            if (!cancelled && life.isAlive()) run();
          });
        });
        return () => {
          cancelled = true;
          cancel();
        };
      },
    };
  }
}
