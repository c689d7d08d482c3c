import { crc32 } from 'node:zlib';
import type { Entry, LogId } from '@raftlog/core';
import type { DiskJournal } from '../disk/disk-journal.ts';
import type { Violations } from './violation.ts';

interface AppliedCommand {
  readonly term: number;
  readonly digest: number;
  result: number | undefined;
}

/** That all state machines take the same steps and come to the same states. */
export class StateInvariants {
  readonly #violations: Violations;
  readonly #commands = new Map<number, AppliedCommand>();
  /** By content: the last command that a snapshot holds, as its state machine has it. Of equal contents the first and the last. */
  readonly #snapshots = new Map<number, { first: number; last: number }>();

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  /** `after`: the last command that this state machine was given before. */
  applies(node: string, after: number, { index, term, data }: Entry, { durable }: DiskJournal): void {
    const digest = crc32(data);
    const known = this.#commands.get(index);
    if (known === undefined) this.#commands.set(index, { term, digest, result: undefined });
    else if (known.term !== term || known.digest !== digest) {
      this.#report(
        `${node} applies a command of term ${term} at ${index}; another node applied one of term ${known.term} there.`,
      );
    }
    if (index <= after) this.#report(`${node} applies ${index} after ${after}.`);
    for (let missed = after + 1; missed < index; missed++) {
      if (this.#commands.has(missed))
        this.#report(`${node} applies ${index} after ${after} and leaves out the command at ${missed}.`);
    }
    // A state machine that keeps its state would be ahead of the log beside it after a power cut.
    if (index > durable.boundary.index && durable.termAt(index) !== term) {
      this.#violations.report('durable-before-use', `${node} applies ${index}, which is not durable there.`);
    }
  }

  answered(node: string, index: number, result: Uint8Array): void {
    const command = this.#commands.get(index);
    if (command === undefined) return;
    const digest = crc32(result);
    if (command.result !== undefined && command.result !== digest) {
      this.#report(`The command at ${index} has another result on ${node} than elsewhere.`);
    }
    command.result = digest;
  }

  snapshotTaken(_node: string, applied: number, digest: number): void {
    const known = this.#snapshots.get(digest);
    if (known === undefined) this.#snapshots.set(digest, { first: applied, last: applied });
    else {
      known.first = Math.min(known.first, applied);
      known.last = Math.max(known.last, applied);
    }
  }

  /** The answer: the last command that the state holds. */
  restored(node: string, { index }: LogId, digest: number): number {
    const taken = this.#snapshots.get(digest);
    const lastCommand = this.#lastCommandUpTo(index);
    if (taken === undefined) {
      this.#violations.report(
        'snapshot-label',
        `${node} restores a snapshot of ${index} that no state machine has taken.`,
      );
    } else if (lastCommand < taken.first || lastCommand > taken.last) {
      this.#violations.report(
        'snapshot-label',
        `${node} restores a snapshot as of ${index}; its content is the state after the command at ${taken.last}.`,
      );
    }
    return lastCommand;
  }

  #lastCommandUpTo(index: number): number {
    for (let last = index; last > 0; last--) if (this.#commands.has(last)) return last;
    return 0;
  }

  #report(message: string): void {
    this.#violations.report('state-machine-safety', message);
  }
}
