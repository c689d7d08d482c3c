import { type LogId, type SnapshotInfo, type SnapshotMeta, type SnapshotStore, StorageError } from '@raftlog/core';
import { checkObject } from '../log/validate.ts';
import {
  checkSnapshotCount,
  checkSnapshotId,
  checkSnapshotMeta,
  readSnapshotSource,
  snapshotNotFound,
} from './snapshot-arguments.ts';

/** What a {@link BaseSnapshotStore} is given to save, checked and copied. */
export interface SnapshotDescription {
  readonly lastIncluded: LogId;
  readonly context: Uint8Array;
}

/**
 * What is the same for all snapshot stores: arguments are checked, a source that hangs can be aborted, after `close`
 * everything answers `CLOSED`. An adaptor for a remote store extends it with the six methods below.
 */
export abstract class BaseSnapshotStore implements SnapshotStore {
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  /**
   * Reads `content` to its end, makes it durable, then visible. If `content` throws, which it does when the caller or
   * `close` aborts, nothing is left and the error goes on. `signal` fires at the same time, for work of the store's own.
   */
  protected abstract write(
    description: SnapshotDescription,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<SnapshotInfo>;
  /** At most `most` snapshots, newest first; without a look at their content. */
  protected abstract newest(most: number): Promise<SnapshotInfo[]>;
  /** Streams the content in chunks that never change afterwards; `undefined` for an unknown id. Frees what it holds when `signal` fires, even if nobody pulls. */
  protected abstract read(id: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes a snapshot for good; false for an unknown id. */
  protected abstract erase(id: string): Promise<boolean>;
  /** Removes all that are older than `oldest` for good. */
  protected abstract eraseOlder(oldest: SnapshotInfo): Promise<void>;
  /** Runs once, when every call has ended. */
  protected abstract free(): Promise<void>;

  save(
    meta: SnapshotMeta,
    source: AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<SnapshotInfo> {
    return this.#run(async () => {
      const description = checkSnapshotMeta(meta);
      checkObject('options', options);
      const { signal, release } = this.#signalFor(options.signal);
      try {
        signal.throwIfAborted();
        return await this.write(description, readSnapshotSource(source, signal), signal);
      } finally {
        release();
      }
    });
  }

  latest(): Promise<SnapshotInfo | undefined> {
    return this.#run(async () => (await this.newest(1))[0]);
  }

  list(): Promise<SnapshotInfo[]> {
    return this.#run(() => this.newest(Number.POSITIVE_INFINITY));
  }

  async *open(
    id: string,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    checkObject('options', options);
    const { signal, release } = this.#signalFor(options.signal);
    try {
      signal.throwIfAborted();
      checkSnapshotId(id);
      const content = await this.#run(() => this.read(id, signal));
      if (content === undefined) throw snapshotNotFound(id);
      for await (const chunk of content) {
        signal.throwIfAborted();
        yield chunk;
        signal.throwIfAborted();
      }
    } catch (error) {
      // The signal takes the file away under the reader: what that makes of it is not the reason.
      signal.throwIfAborted();
      throw error;
    } finally {
      release();
    }
  }

  remove(id: string): Promise<void> {
    return this.#run(async () => {
      checkSnapshotId(id);
      if (!(await this.erase(id))) throw snapshotNotFound(id);
    });
  }

  retain(count: number): Promise<void> {
    return this.#run(async () => {
      checkSnapshotCount(count);
      // Counted are those that `newest` can describe: a damaged one doesn't push out the last that is intact.
      const kept = await this.newest(count);
      const oldest = kept.at(-1);
      if (oldest !== undefined && kept.length === count) await this.eraseOlder(oldest);
    });
  }

  /** Ends saves and readers under way with `CLOSED`; resolves when nothing is open and no litter left. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort(new StorageError('CLOSED', 'The engine is closed. Open it again to use its snapshots.', {}));
    await Promise.allSettled(this.#running);
    await this.free();
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#closing.signal.throwIfAborted();
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Fires with `CLOSED` when this is closed, with `ABORTED` when the caller's signal fires. */
  #signalFor(given: AbortSignal | undefined): { readonly signal: AbortSignal; release(): void } {
    const closing = this.#closing.signal;
    const controller = new AbortController();
    const onClose = (): void => controller.abort(closing.reason);
    const onAbort = (): void => {
      controller.abort(new StorageError('ABORTED', "The caller's signal fired.", {}, { cause: given?.reason }));
    };
    if (closing.aborted) onClose();
    else if (given?.aborted === true) onAbort();
    closing.addEventListener('abort', onClose);
    given?.addEventListener('abort', onAbort);
    return {
      signal: controller.signal,
      release() {
        closing.removeEventListener('abort', onClose);
        given?.removeEventListener('abort', onAbort);
      },
    };
  }
}
