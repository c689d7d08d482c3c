import type { VirtualTime } from './virtual-time.ts';

// Bound before anything is replaced: the simulation itself goes on with these.
const realSetImmediate = globalThis.setImmediate;
const realSetTimeout = globalThis.setTimeout;
const realClearTimeout = globalThis.clearTimeout;
const realNow = performance.now;

/**
 * Puts the virtual time in the place of the process' own for as long as a run lasts: storage engines have timers of their own (the witness of the
 * kit, written once a second) and yield with `setImmediate` in long reads. Left real, they would fire at a moment that no seed decides.
 */
export class VirtualGlobals {
  readonly #time: VirtualTime;
  /** Called for `setImmediate`, in order. */
  #immediates: (() => void)[] = [];

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  install(): void {
    globalThis.setTimeout = ((run: () => void, milliseconds = 0) =>
      this.#timer(milliseconds, run)) as unknown as typeof setTimeout;
    globalThis.clearTimeout = ((timer: { cancel?: () => void } | undefined) =>
      timer?.cancel?.()) as unknown as typeof clearTimeout;
    globalThis.setImmediate = ((run: () => void) => this.#immediates.push(run)) as unknown as typeof setImmediate;
    performance.now = () => this.#time.now;
  }

  restore(): void {
    globalThis.setTimeout = realSetTimeout;
    globalThis.clearTimeout = realClearTimeout;
    globalThis.setImmediate = realSetImmediate;
    performance.now = realNow;
  }

  /**
   * Resolves when all that can go on without the time going on has done so. Node empties the queue of promises before it turns to `setImmediate`, so one turn
   * is enough where nothing else yields.
   */
  async settle(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => {
        realSetImmediate(resolve);
      });
      if (this.#immediates.length === 0) return;
      const due = this.#immediates;
      this.#immediates = [];
      for (const run of due) run();
    }
  }

  #timer(milliseconds: number, run: () => void): { readonly cancel: () => void; unref(): unknown; ref(): unknown } {
    const cancel = this.#time.schedule(milliseconds, run);
    const timer = { cancel, unref: () => timer, ref: () => timer };
    return timer;
  }
}
