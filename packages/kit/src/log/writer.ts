import { type HardState, type IndexRange, type LogId, StorageError } from '@raftlog/core';
import type { BlockStore } from '../block-store.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { HardStateStorage } from '../directory/hard-state-files.ts';
import type { Witness } from '../directory/witness.ts';
import { EntryBlock } from '../format/block.ts';
import type { BufferPool } from '../format/buffer-pool.ts';
import type { BlockCodec } from '../format/compression.ts';
import { encodeHeader } from '../format/header.ts';
import { toStorageError } from '../io/io-errors.ts';
import type { LogState } from './log-state.ts';
import type { StoredBlocks } from './stored-blocks.ts';

// A commit takes what has arrived up to here, or one call if that alone is larger.
const MAX_BATCH_BYTES = 8 * 1024 * 1024;

/** What will be one commit: a hard state, durable first, then one atomic change of the log. */
export class CommitBatch {
  hardState: HardState | undefined;
  /** The log is to be committed; otherwise there is only a hard state, or a sync. */
  changesLog = false;
  /** Durable when it resolves also where the store is buffered. */
  sync = false;
  removeFrom: number | undefined;
  removeThrough: number | undefined;
  readonly blocks: EntryBlock[] = [];
  /** State of the log after the last call that went into this batch. */
  boundary: LogId | undefined;
  last: LogId | undefined;
  epoch = 0;
  damaged: readonly IndexRange[] = [];
  /** The range that this batch puts back; nothing else goes into it. */
  repairs: IndexRange | undefined;
  bytes = 0;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Index of the last entry before anything of this batch; what is cut above it was never handed to the store. */
  readonly base: number;

  readonly #pool: BufferPool | undefined;

  constructor(base: number, pool: BufferPool | undefined) {
    this.base = base;
    this.#pool = pool;
    let settle: [() => void, (error: unknown) => void] = [noop, noop];
    this.done = new Promise((resolve, reject) => {
      settle = [resolve, reject];
    });
    [this.resolve, this.reject] = settle;
    // Callers may issue many writes and await only the last, or `flush()`; a failure reaches them there and through `failure`.
    this.done.catch(noop);
  }

  get lastIndex(): number {
    return this.last?.index ?? 0;
  }

  startBlock(first: number, expectedBytes: number, state: LogState): EntryBlock {
    const block = EntryBlock.start(first, expectedBytes, this.#pool);
    this.blocks.push(block);
    state.addPending(block, this);
    return block;
  }

  /** Drops the blocks that start at or above `from`, and cuts from the store what is there. */
  dropBlocksFrom(from: number): void {
    while ((this.blocks.at(-1)?.first ?? 0) >= from) this.blocks.pop();
    if (from <= this.base) this.removeFrom = Math.min(this.removeFrom ?? from, from);
  }

  replaceTail(block: EntryBlock): EntryBlock {
    this.blocks[this.blocks.length - 1] = block;
    return block;
  }

  /** Takes the state of the log as the outcome of this batch. */
  capture(state: LogState): void {
    this.changesLog = true;
    this.boundary = state.boundary;
    this.last = state.last;
    this.epoch = state.cuts.epoch;
    this.damaged = state.damaged;
  }
}

/** Something that must not overlap a commit, such as a read that has to see one state of the store. */
interface ExclusiveTask {
  /** Never rejects. */
  readonly run: () => Promise<void>;
}

/** What a {@link Writer} works on. */
export interface WriterParts {
  readonly store: BlockStore;
  readonly blocks: StoredBlocks;
  readonly codec: BlockCodec;
  /** Memory for blocks, where the store keeps nothing of what it was given. */
  readonly pool: BufferPool | undefined;
  readonly hardState: HardStateStorage;
  readonly witness: Witness | undefined;
  readonly state: LogState;
  readonly durability: 'sync' | 'buffered' | 'volatile';
  readonly maxPendingBytes: number;
  /** Most bytes that the store takes in one commit. */
  readonly maxCommitBytes: number;
  /** Sequence of the last commit there was. */
  readonly sequence: number;
  readonly diagnostics: Diagnostics;
  /** Fired when a write fails. */
  readonly failure: AbortController;
  /** After each commit, in order. */
  readonly onCommitted: (batch: CommitBatch, milliseconds: number) => void;
}

/** What the writer has done since it was opened. */
export interface WriteCounters {
  commits: number;
  /** Times that the device was asked to make something durable: synced commits, hard states (two each), syncs of a buffered store. */
  syncs: number;
  blocks: number;
  bytes: number;
  entries: number;
}

/**
 * One queue per engine: accepted changes become durable in the order of the calls, one commit in flight, and what arrives
 * meanwhile is the next commit (group commit, without any delay of its own). The first failure ends it for good.
 */
export class Writer {
  readonly #parts: WriterParts;
  readonly #queue: (CommitBatch | ExclusiveTask)[] = [];
  #running = false;
  #inFlight: CommitBatch | ExclusiveTask | undefined;
  #idle: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #sequence: number;
  #failure: StorageError<'STORE_FAILED'> | undefined;
  #closed = false;
  /** What is committed but not synced, of a buffered store. */
  #unsynced: { lastIndex: number; epoch: number; last: LogId | undefined } | undefined;
  readonly counters: WriteCounters = { commits: 0, syncs: 0, blocks: 0, bytes: 0, entries: 0 };

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#sequence = parts.sequence;
  }

  /** The error that poisoned the engine. */
  get failed(): StorageError<'STORE_FAILED'> | undefined {
    return this.#failure;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Throws unless a change of `bytes` may be accepted now. */
  admit(bytes: number): void {
    this.assertOpen();
    if (this.#failure !== undefined) throw poisoned(this.#failure);
    const { maxPendingBytes: limit, maxCommitBytes } = this.#parts;
    if (bytes > maxCommitBytes) {
      throw new StorageError(
        'TOO_LARGE',
        `The call brings ${bytes} bytes of entries; this engine takes at most ${maxCommitBytes} at a time. Make more calls of fewer entries.`,
        { bytes, limit: maxCommitBytes },
      );
    }
    // What brings no bytes waits for nobody: a vote, a flush, a purge. And a single call that is larger than the limit could never be accepted: it goes alone.
    if (bytes > 0 && this.#pendingBytes > 0 && this.#pendingBytes + bytes > limit) {
      throw new StorageError(
        'BUSY',
        `${this.#pendingBytes} bytes are accepted but not yet durable; the limit is ${limit}. Try again when an earlier call has resolved.`,
        { pendingBytes: this.#pendingBytes, limit },
      );
    }
  }

  assertOpen(): void {
    if (this.#closed) throw closedError();
  }

  /** The batch that is still to be committed and takes a change of the log that brings `bytes`. */
  batchForLog(bytes: number): CommitBatch {
    const open = this.#openBatch;
    const batch =
      open !== undefined && (open.bytes === 0 || open.bytes + bytes <= MAX_BATCH_BYTES) ? open : this.#startBatch();
    batch.bytes += bytes;
    this.#pendingBytes += bytes;
    return batch;
  }

  /** The batch that takes a hard state: never one with a log change, which would become durable after a later hard state. */
  batchForHardState(): CommitBatch {
    const open = this.#openBatch;
    return open !== undefined && !open.changesLog && !open.sync ? open : this.#startBatch();
  }

  /** A batch of its own that puts `blocks` back into the middle of the log. */
  batchForRepair(range: IndexRange, blocks: readonly EntryBlock[], bytes: number): CommitBatch {
    const batch = this.#startBatch();
    batch.repairs = range;
    batch.blocks.push(...blocks);
    batch.sync = true;
    batch.bytes = bytes;
    this.#pendingBytes += bytes;
    batch.capture(this.#parts.state);
    return batch;
  }

  /** Commits the state of the log as it is; what the store has from `removeFrom` on is not part of it. */
  commitState(removeFrom: number | undefined): Promise<void> {
    const batch = this.batchForLog(0);
    batch.removeFrom = removeFrom;
    batch.capture(this.#parts.state);
    batch.sync = true;
    return batch.done;
  }

  get #openBatch(): CommitBatch | undefined {
    const tail = this.#queue.at(-1);
    return tail instanceof CommitBatch && tail !== this.#inFlight && tail.repairs === undefined ? tail : undefined;
  }

  #startBatch(): CommitBatch {
    const batch = new CommitBatch(this.#parts.state.lastIndex, this.#parts.pool);
    this.#enqueue(batch);
    return batch;
  }

  #enqueue(item: CommitBatch | ExclusiveTask): void {
    this.#queue.push(item);
    if (this.#running) return;
    this.#running = true;
    // Not at once: calls that are made in one go share one commit.
    this.#idle = Promise.resolve().then(() => this.#run());
  }

  /** Runs `task` between two commits. After a failure there are none: it runs at once. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) return task();
    return new Promise((resolve, reject) => {
      this.#enqueue({ run: () => task().then(resolve, reject) });
    });
  }

  /** Resolves when all that was accepted before is durable. */
  flush(): Promise<void> {
    const tail = this.#queue.findLast((item) => item instanceof CommitBatch);
    if (this.#parts.durability !== 'buffered') return tail?.done ?? Promise.resolve();
    if (tail === undefined && this.#unsynced === undefined) return Promise.resolve();
    const batch = this.#openBatch ?? this.#startBatch();
    batch.sync = true;
    return batch.done;
  }

  /** Takes no more calls and resolves when those that were accepted are done. */
  async drain(): Promise<void> {
    this.#closed = true;
    while (this.#running) await this.#idle;
  }

  /** Makes what a buffered store still holds back durable; for a clean close. */
  async syncAtClose(): Promise<void> {
    if (this.#unsynced !== undefined) await this.#sync();
  }

  async #run(): Promise<void> {
    for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
      this.#inFlight = item;
      if (!(item instanceof CommitBatch)) {
        await item.run();
      } else {
        try {
          await this.#commit(item);
        } catch (error) {
          this.#poison(error);
          break;
        }
        this.#pendingBytes -= item.bytes;
      }
      this.#inFlight = undefined;
      this.#queue.shift();
      if (item instanceof CommitBatch) item.resolve();
    }
    this.#running = false;
  }

  async #commit(batch: CommitBatch): Promise<void> {
    const { diagnostics, hardState, state, durability } = this.#parts;
    if (batch.hardState !== undefined) {
      const started = diagnostics.start('sync');
      await hardState.save(batch.hardState);
      if (durability !== 'volatile') this.counters.syncs += 2;
      diagnostics.publish('sync', started, { what: 'hard-state' });
    }
    if (batch.changesLog) {
      const began = performance.now();
      await this.#commitLog(batch);
      const buffered = durability === 'buffered';
      this.#unsynced = { lastIndex: batch.lastIndex, epoch: batch.epoch, last: batch.last };
      if (buffered && batch.sync) await this.#sync();
      else if (!buffered) this.#durable();
      this.#parts.onCommitted(batch, performance.now() - began);
    } else if (batch.sync && this.#unsynced !== undefined) {
      await this.#sync();
    }
    state.committed(batch);
    // Before the next batch is encoded: its header says whether anything is damaged.
    if (batch.repairs !== undefined) state.repaired(batch.repairs);
    if (batch.changesLog && batch.repairs === undefined) {
      // Only now that no reader gets them as pending blocks: the cache may use their memory again.
      for (const block of batch.blocks) this.#parts.blocks.cache.append(block);
    }
  }

  async #commitLog(batch: CommitBatch): Promise<void> {
    const { diagnostics, hardState, blocks, codec, store, state } = this.#parts;
    const started = diagnostics.start('commit');
    const { removeFrom, removeThrough } = batch;
    const damaged = batch.damaged.filter((range) => range !== batch.repairs && !state.isRepaired(range));
    const head = removeFrom === undefined ? undefined : await this.#survivingHead(removeFrom, batch, damaged);
    const all = head === undefined ? batch.blocks : [head, ...batch.blocks];
    const put: { key: number; bytes: Uint8Array }[] = [];
    let bytes = 0;
    let entries = 0;
    for (const block of all) {
      const encoded = codec.encode(block);
      const stored = encoded instanceof Uint8Array ? encoded : await encoded;
      put.push({ key: block.last, bytes: stored });
      bytes += stored.length;
      entries += block.count;
    }
    const sequence = this.#sequence + 1;
    await store.commit({
      sequence,
      removeFrom,
      removeThrough,
      put,
      header: encodeHeader({
        sequence,
        boundary: batch.boundary,
        lastLogId: batch.last,
        hardStateSequence: hardState.current?.sequence ?? 0,
        damaged: damaged.length > 0,
      }),
    });
    this.#sequence = sequence;
    if (removeFrom !== undefined) blocks.cache.dropFrom(removeFrom);
    const { counters } = this;
    counters.commits++;
    if (this.#parts.durability === 'sync') counters.syncs++;
    counters.blocks += put.length;
    counters.bytes += bytes;
    counters.entries += entries;
    diagnostics.publish('commit', started, { sequence, entries, bytes });
  }

  /** What is left of the committed block that a cut at `from` goes through: it is put back in the same commit. */
  async #survivingHead(
    from: number,
    { boundary }: CommitBatch,
    damaged: readonly IndexRange[],
  ): Promise<EntryBlock | undefined> {
    // At or below the boundary nothing is left worth keeping, and a reset need not even look.
    if (from - 1 <= (boundary?.index ?? 0)) return undefined;
    // Of a damaged block nothing survives; what of its range lies below the cut stays damaged.
    if (damaged.some(({ first, last }) => first < from && from - 1 <= last)) return undefined;
    // Looked for by what survives: a damaged block right behind the cut is nobody's concern any more.
    const block = await this.#parts.blocks.covering(from - 1);
    return block === undefined || block.last < from ? undefined : block.head(from - 1);
  }

  async #sync(): Promise<void> {
    const { store, diagnostics } = this.#parts;
    const started = diagnostics.start('sync');
    await store.sync?.();
    this.counters.syncs++;
    this.#durable();
    diagnostics.publish('sync', started, { what: 'log' });
  }

  #durable(): void {
    const { state, witness, durability } = this.#parts;
    if (this.#unsynced === undefined || durability === 'volatile') return;
    state.durableIndex = Math.max(state.durableIndex, state.remainingOf(this.#unsynced));
    witness?.note(this.#sequence, this.#unsynced.last);
    this.#unsynced = undefined;
  }

  /**
   * Ends all writing. Nothing is tried again: after a failed fsync the kernel may have dropped the dirty pages and a second one would
   * succeed without them (the "fsyncgate" of PostgreSQL, 2018; Rebello et al., "Can Applications Recover from fsync Failures?", ATC '20).
   */
  #poison(error: unknown): void {
    const known = toStorageError(error, 'write');
    const failure = new StorageError(
      'STORE_FAILED',
      `A write failed: ${error instanceof Error ? error.message : String(error)}. The engine takes no more writes, and the fate of this one is open. Mend the cause, then open the engine again: it shows what is durable.`,
      { operation: 'write' },
      // A full device is told apart; what only says "a write failed" again would hide the error of the system.
      { cause: known.code === 'STORE_FAILED' ? error : known },
    );
    this.#failure = failure;
    for (const item of this.#queue.splice(0)) {
      // A read that waited for its turn has it now: what is durable can be read on, and it knows what is not.
      if (item instanceof CommitBatch) item.reject(failure);
      else void item.run();
    }
    this.#inFlight = undefined;
    this.#parts.diagnostics.publish('poison', this.#parts.diagnostics.start('poison'), { error: failure });
    this.#parts.failure.abort(failure);
  }
}

function closedError(): StorageError<'CLOSED'> {
  return new StorageError('CLOSED', 'The engine is closed. Open it again.', {});
}

/** What later calls reject with: a new error each, so that its stack says who called; the cause is that of the first. */
export function poisoned(failure: StorageError<'STORE_FAILED'>): StorageError<'STORE_FAILED'> {
  return new StorageError('STORE_FAILED', failure.message, failure.details, { cause: failure.cause });
}

function noop(): void {}
