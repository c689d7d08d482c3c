/** The time of a node: everything that waits or measures in it goes through this, so that it can run on a virtual clock. */
export interface Clock {
  /** Milliseconds since some fixed moment. Must never go back, whatever is done to the time of day. */
  now(): number;
  /** Runs `run` once, `milliseconds` from now at the earliest, never within this call. The function it returns prevents that. */
  setTimer(milliseconds: number, run: () => void): () => void;
}

/** The monotonic clock of the process. Its timers keep the process alive. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  setTimer(milliseconds: number, run: () => void): () => void {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  }
}
