import type { Diagnostics } from '../diagnostics.ts';
import type { LogState } from './log-state.ts';
import type { CommitBatch, Writer } from './writer.ts';

const FIRST_STEP = 1024;
// A step that takes longer than this delays the appends behind it noticeably; a shorter one can grow.
const SLOW_MS = 10;
const FAST_MS = 3;

/**
 * Removes from the store what a purge left below the boundary: in steps, each in a commit after the one that made the boundary
 * durable, so that a crash at any point leaves at most blocks that nobody asks for, and the next open goes on.
 */
export class Reclaimer {
  readonly #state: LogState;
  readonly #writer: Writer;
  readonly #diagnostics: Diagnostics;
  /** All blocks with a key up to here are gone. */
  #done: number;
  #step: number = FIRST_STEP;
  #current: CommitBatch | undefined;
  #stopped = false;

  constructor(state: LogState, writer: Writer, diagnostics: Diagnostics, lowestKey: number | undefined) {
    this.#state = state;
    this.#writer = writer;
    this.#diagnostics = diagnostics;
    this.#done = lowestKey === undefined ? state.firstIndex - 1 : Math.min(lowestKey - 1, state.firstIndex - 1);
  }

  /** A commit is durable; whatever boundary it carried may be followed by deletions now. */
  committed(batch: CommitBatch, milliseconds: number): void {
    if (batch.removeFrom === 1) this.#done = batch.boundary?.index ?? 0;
    if (batch === this.#current) {
      this.#current = undefined;
      if (batch.removeThrough !== undefined) {
        this.#done = Math.max(this.#done, batch.removeThrough);
        this.#diagnostics.publish('purge', this.#diagnostics.start('purge'), { through: batch.removeThrough });
        if (milliseconds > SLOW_MS) this.#step = Math.max(1, Math.floor(this.#step / 2));
        else if (milliseconds < FAST_MS) this.#step = Math.min(this.#step * 2, Number.MAX_SAFE_INTEGER / 4);
      }
    }
    this.schedule(batch.boundary?.index ?? 0);
  }

  /** Plans the next step, if there is one below `durableBoundary`, into the commit that is open anyway. */
  schedule(durableBoundary: number): void {
    // A reset that is accepted meanwhile may have lowered the boundary: its own commit removes everything.
    const target = Math.min(durableBoundary, this.#state.firstIndex - 1, this.#done + this.#step);
    if (this.#stopped || this.#current !== undefined || target <= this.#done || this.#writer.failed !== undefined)
      return;
    const batch = this.#writer.batchForLog(0);
    if (batch.removeFrom === 1) return;
    batch.capture(this.#state);
    batch.removeThrough = target;
    this.#current = batch;
  }

  stop(): void {
    this.#stopped = true;
  }
}
