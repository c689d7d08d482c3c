import { crc32 } from 'node:zlib';
import type { Entry, LogId } from '@raftlog/core';
import type { StateMachine } from '@raftlog/node';
import type { DiskJournal } from '../disk/disk-journal.ts';
import type { StateInvariants } from '../invariants/state-invariants.ts';

/** A state machine that tells the simulation what it is given and what it makes of it. */
export class ObservedMachine implements StateMachine {
  readonly #node: string;
  readonly #inner: StateMachine;
  readonly #journal: DiskJournal;
  readonly #invariants: StateInvariants;
  /** The last command whose effect the state has. */
  #applied = 0;

  constructor(node: string, inner: StateMachine, journal: DiskJournal, invariants: StateInvariants) {
    this.#node = node;
    this.#inner = inner;
    this.#journal = journal;
    this.#invariants = invariants;
  }

  get lastApplied(): number {
    return this.#inner.lastApplied;
  }

  async apply(commands: readonly Entry[]): Promise<readonly Uint8Array[]> {
    for (const command of commands) {
      this.#invariants.applies(this.#node, this.#applied, command, this.#journal);
      this.#applied = command.index;
    }
    const results = await this.#inner.apply(commands);
    for (const [place, { index }] of commands.entries()) {
      this.#invariants.answered(this.#node, index, results[place] ?? new Uint8Array());
    }
    return results;
  }

  async *snapshot(): AsyncGenerator<Uint8Array, void, undefined> {
    const applied = this.#applied;
    let digest = 0;
    for await (const chunk of this.#inner.snapshot()) {
      digest = crc32(chunk, digest);
      yield chunk;
    }
    this.#invariants.snapshotTaken(this.#node, applied, digest);
  }

  async restore(snapshot: AsyncIterable<Uint8Array>, lastIncluded: LogId): Promise<void> {
    let digest = 0;
    const invariants = this.#invariants;
    const node = this.#node;
    const observed = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const chunk of snapshot) {
        digest = crc32(chunk, digest);
        yield chunk;
      }
    };
    await this.#inner.restore(observed(), lastIncluded);
    this.#applied = invariants.restored(node, lastIncluded, digest);
  }

  query(query: Uint8Array): Promise<Uint8Array> | Uint8Array {
    return this.#inner.query(query);
  }

  /** Equal for equal states. */
  async digest(): Promise<number> {
    let digest = 0;
    for await (const chunk of this.#inner.snapshot()) digest = crc32(chunk, digest);
    return digest;
  }
}
