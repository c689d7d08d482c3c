import { type HardState, type MetaStore, StorageError } from '@raftlog/core';
import { checkHardState, termRegression } from './arguments.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { HardStatePair } from './hard-state-pair.ts';

/** The meta store; `plan` and `accept` are what they are in the log. */
export class DirectMeta implements MetaStore {
  readonly #pair: HardStatePair;
  readonly #queue: CommitQueue;
  #accepted: HardState | undefined;

  constructor(pair: HardStatePair, queue: CommitQueue) {
    this.#pair = pair;
    this.#queue = queue;
    this.#accepted = pair.state;
  }

  async saveHardState(state: HardState): Promise<void> {
    this.#queue.checkWritable();
    const next = this.plan(state);
    await (next ? this.#queue.commit('saveHardState', this.accept(next)) : this.#queue.drained('saveHardState'));
  }

  async loadHardState(): Promise<HardState | undefined> {
    this.#queue.checkOpen();
    if (this.#accepted !== this.#pair.state) this.#queue.failure.throwIfAborted();
    return this.#accepted && { ...this.#accepted };
  }

  async flush(): Promise<void> {
    this.#queue.checkWritable();
    await this.#queue.drained('flush');
  }

  /** The state to save, or `undefined` if it is the accepted one. Throws if it is refused. */
  plan(state: HardState): HardState | undefined {
    const next = checkHardState(state);
    const accepted = this.#accepted;
    if (!accepted) return next;
    if (next.currentTerm < accepted.currentTerm) throw termRegression(accepted.currentTerm, next.currentTerm);
    if (next.currentTerm > accepted.currentTerm) return next;
    if (next.votedFor === accepted.votedFor) return undefined;
    if (accepted.votedFor === undefined) return next;
    const message = `The node has voted for ${accepted.votedFor} in term ${accepted.currentTerm}. A vote stands for its term.`;
    throw new StorageError('VOTE_CONFLICT', message, { accepted: { ...accepted }, refused: next });
  }

  accept(next: HardState): () => Promise<void> {
    this.#accepted = next;
    return () => this.#pair.save(next);
  }
}
