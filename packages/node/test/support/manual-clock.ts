import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/index.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>();
  readonly #work = new Set<Promise<unknown>>();
  #now = 0;

  now(): number {
    return this.#now;
  }

  setTimer(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves the clock, and runs what is due, in order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }

  /** Moves the clock without running anything, as when the process was held up. */
  holdUp(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** Time stands still until this is done: a slow disk is no reason for an election here. */
  waitFor<Result>(work: Promise<Result>): Promise<Result> {
    const done: Promise<boolean> = work.then(
      () => this.#work.delete(done),
      () => this.#work.delete(done),
    );
    this.#work.add(done);
    return work;
  }

  /** Moves the clock a little and lets everything happen that follows, until `condition` holds. */
  async until(condition: () => boolean, what = 'the condition'): Promise<void> {
    for (let steps = 0; !condition(); steps++) {
      if (steps > 4_000) throw new Error(`After ${this.#now} ms: ${what} did not come about.`);
      await this.step();
    }
  }

  /** Time passes, in small steps, while real disks get on with their work. */
  async pass(milliseconds: number): Promise<void> {
    for (const end = this.#now + milliseconds; this.#now < end; ) await this.step();
  }

  /** Runs the clock until the promise is settled. */
  async settle<Result>(promise: Promise<Result>): Promise<Result> {
    let isSettled = false;
    promise.then(
      () => {
        isSettled = true;
      },
      () => {
        isSettled = true;
      },
    );
    await this.until(() => isSettled, 'the answer');
    return promise;
  }

  async step(): Promise<void> {
    this.advance(25);
    // A trip through the event loop, so that messages and their answers go their way, and as long as the disk takes.
    do {
      await Promise.all(this.#work);
      await sleep(1);
    } while (this.#work.size > 0);
  }
}
