import { type Entry, encodedEntryBytes, type StorageEngine } from '@raftlog/core';
import type { Write } from '@raftlog/raft';

/** A step of the storage: handed over in order, reported in order. */
interface Step {
  /** Of a `Write` of the core; a purge or a reset has none. */
  readonly writeId: number | undefined;
  readonly bytes: number;
  /** True: entries were only appended, so that a buffered engine has to be flushed before they count. */
  readonly needsFlush: boolean;
  readonly run: () => Promise<void>;
  isDone: boolean;
}

/** What a {@link LogWriter} tells. */
export interface LogWriterEvents {
  /** The write is durable, and all before it. */
  stored(writeId: number): void;
  failed(error: unknown): void;
}

/**
 * Hands the writes of the core to the engine, in order, several at a time: the engine makes one commit of those that wait. Tells when each is durable,
 * in the same order.
 *
 * An engine refuses with `BUSY` what would go beyond its bound of pending bytes, and would then accept a later, smaller write: out of order. So the
 * bound is kept here, below the engine's own, and what goes beyond waits.
 */
export class LogWriter {
  readonly #engine: StorageEngine;
  readonly #events: LogWriterEvents;
  readonly #maxPendingBytes: number;
  readonly #waiting: Step[] = [];
  readonly #handedOver: Step[] = [];
  readonly #whenHandedOver: (() => void)[] = [];
  readonly #whenIdle: (() => void)[] = [];
  #pendingBytes = 0;
  #storedId = 0;
  #isStopped = false;
  #flushing: Promise<void> | undefined;
  #nextFlush: Promise<void> | undefined;

  constructor(engine: StorageEngine, events: LogWriterEvents) {
    this.#engine = engine;
    this.#events = events;
    // Half: engines count what they keep beside the entries as well.
    this.#maxPendingBytes = engine.capabilities.maxPendingBytes / 2;
  }

  /** The highest write that is durable, with all before it. */
  get storedId(): number {
    return this.#storedId;
  }

  /** True while the engine has as much as it can take, so that nothing more should be proposed. */
  get isCongested(): boolean {
    return this.#waiting.length > 0;
  }

  write({ id, hardState, truncateFrom, entries }: Write): void {
    const batch = {
      ...(hardState && { hardState }),
      ...(truncateFrom !== undefined && { truncateFrom }),
      ...(entries.length > 0 && { entries }),
    };
    this.#add({
      writeId: id,
      bytes: bytesOf(entries),
      needsFlush: this.#engine.capabilities.durability === 'buffered' && entries.length > 0,
      run: () => this.#engine.write(batch),
      isDone: false,
    });
  }

  /** A purge or a reset, in its place among the writes. */
  change(run: () => Promise<void>): void {
    this.#add({ writeId: undefined, bytes: 0, needsFlush: false, run, isDone: false });
  }

  /** Resolves when the engine has been given everything that was written so far, so that it can be read; `undefined`: it has. */
  handedOver(): Promise<void> | undefined {
    return this.#waiting.length === 0 ? undefined : new Promise((resolve) => this.#whenHandedOver.push(resolve));
  }

  /** Hands nothing more over. Resolves when the engine has answered all that it was given. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.length = 0;
    for (const resolve of this.#whenHandedOver.splice(0)) resolve();
    if (this.#handedOver.length > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #add(step: Step): void {
    if (this.#isStopped) return;
    this.#waiting.push(step);
    this.#handOver();
  }

  #handOver(): void {
    while (!this.#isStopped && this.#waiting[0] !== undefined && this.#hasRoomFor(this.#waiting[0])) {
      const step = this.#waiting.shift();
      if (step === undefined) return;
      this.#handedOver.push(step);
      this.#pendingBytes += step.bytes;
      // `run` is called in this turn: what is read in the same turn, after it, sees the entries.
      this.#finish(step, step.run());
    }
    if (this.#waiting.length === 0) for (const resolve of this.#whenHandedOver.splice(0)) resolve();
  }

  // A single write larger than the bound goes alone: the engine takes it when nothing else is pending.
  #hasRoomFor({ bytes }: Step): boolean {
    return bytes === 0 || this.#pendingBytes === 0 || this.#pendingBytes + bytes <= this.#maxPendingBytes;
  }

  #finish(step: Step, written: Promise<void>): void {
    written
      .then(() => (step.needsFlush ? this.#flush() : undefined))
      .then(
        () => this.#done(step),
        (error: unknown) => {
          this.#events.failed(error);
          this.#done(step, false);
        },
      );
  }

  #done(step: Step, succeeded = true): void {
    step.isDone = true;
    this.#pendingBytes -= step.bytes;
    // After a failure nothing counts any more, not even what came through: its host stops.
    if (!succeeded) this.#isStopped = true;
    let storedId: number | undefined;
    while (this.#handedOver[0]?.isDone === true) storedId = this.#handedOver.shift()?.writeId ?? storedId;
    if (storedId !== undefined && !this.#isStopped) {
      this.#storedId = storedId;
      this.#events.stored(storedId);
    }
    this.#handOver();
    if (this.#handedOver.length === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  // One flush at a time; those that ask meanwhile share the next one, which begins after their writes were accepted.
  #flush(): Promise<void> {
    if (this.#flushing === undefined) {
      const flushing = this.#engine.logStore.flush().finally(() => {
        this.#flushing = undefined;
      });
      this.#flushing = flushing;
      return flushing;
    }
    this.#nextFlush ??= this.#flushing
      .catch(() => undefined)
      .then(() => {
        this.#nextFlush = undefined;
        return this.#flush();
      });
    return this.#nextFlush;
  }
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + encodedEntryBytes(entry), 0);
}
