import { StorageError } from '@raftlog/core';
import { explained } from './system-errors.ts';

/**
 * Runs the commits of one engine, log and hard state alike, one after the other in the order of the calls, and stops
 * for good at the first one that fails.
 */
export class CommitQueue {
  readonly #failure = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  get failure(): AbortSignal {
    return this.#failure.signal;
  }

  checkOpen(): void {
    if (this.#closed) throw new StorageError('CLOSED', 'The engine is closed. Open it again.', {});
  }

  checkWritable(): void {
    this.checkOpen();
    this.#failure.signal.throwIfAborted();
  }

  /** Resolves when `work` has succeeded after everything that was queued before it. */
  commit(operation: string, work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(async () => {
      this.#failure.signal.throwIfAborted();
      try {
        await work();
      } catch (cause) {
        throw this.#poison(operation, cause);
      }
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when everything that was queued before is durable. */
  drained(operation: string): Promise<void> {
    return this.commit(operation, async () => undefined);
  }

  /** Refuses what comes from now on and waits for what was queued, whatever becomes of it. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  #poison(operation: string, cause: unknown): StorageError<'STORE_FAILED'> {
    const error = new StorageError(
      'STORE_FAILED',
      `${operation} failed; whether it took effect is open. Close the engine and open it again to see what is durable.`,
      { operation },
      { cause: explained(cause) },
    );
    this.#failure.abort(error);
    return error;
  }
}
