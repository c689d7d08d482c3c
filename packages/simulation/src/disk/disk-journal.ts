import type { HardState } from '@raftlog/core';
import type { Random } from '@raftlog/core/conformance';
import type { EntryChains } from './entry-chain.ts';
import { type LogChange, LogMirror } from './log-mirror.ts';

interface Pending<Change> {
  readonly sequence: number;
  /** That of the node when it asked. */
  readonly term: number;
  readonly change: Change;
}

/**
 * What one node has asked of its storage, and what of it is durable: the truth that the node's messages, and the storage after a crash, are compared with.
 *
 * The contract makes changes of the log durable in their order, and none before a hard state that was saved earlier; a hard state may be ahead of the log.
 */
export class DiskJournal {
  readonly accepted: LogMirror;
  #durable: LogMirror;
  /** The highest index that has been durable since the start. */
  #durablePeak = 0;
  /** By the term of the node: from where on it has put something into the log that is durable by now. */
  readonly #writtenFrom = new Map<number, number>();
  #acceptedHardState: HardState | undefined;
  #durableHardState: HardState | undefined;
  #pendingLog: Pending<LogChange>[] = [];
  #pendingHardStates: Pending<HardState>[] = [];
  #sequence = 0;

  constructor(node: string, chains: EntryChains) {
    this.accepted = new LogMirror(node, chains);
    this.#durable = this.accepted.clone();
  }

  /** What is certain to be there after a power cut now. */
  get durable(): LogMirror {
    return this.#durable;
  }

  get durableHardState(): HardState | undefined {
    return this.#durableHardState;
  }

  get acceptedHardState(): HardState | undefined {
    return this.#acceptedHardState;
  }

  /** The last change that was asked for. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The bytes of its entries must not change afterwards. */
  changeLog(change: LogChange): number {
    this.accepted.apply(change);
    this.#pendingLog.push({ sequence: ++this.#sequence, term: this.#acceptedHardState?.currentTerm ?? 0, change });
    return this.#sequence;
  }

  saveHardState(state: HardState): number {
    this.#acceptedHardState = { ...state };
    this.#pendingHardStates.push({
      sequence: ++this.#sequence,
      term: state.currentTerm,
      change: this.#acceptedHardState,
    });
    return this.#sequence;
  }

  hardStateIsDurable(sequence: number): void {
    while (this.#pendingHardStates[0] !== undefined && this.#pendingHardStates[0].sequence <= sequence) {
      this.#durableHardState = this.#pendingHardStates.shift()?.change;
    }
  }

  logIsDurable(sequence: number): void {
    this.hardStateIsDurable(sequence);
    while (this.#pendingLog[0] !== undefined && this.#pendingLog[0].sequence <= sequence) {
      const pending = this.#pendingLog.shift();
      if (pending === undefined) continue;
      this.#durable.apply(pending.change);
      this.#durablePeak = Math.max(this.#durablePeak, this.#durable.lastIndex);
      this.#noteWritten(pending);
    }
  }

  #noteWritten({ change, term }: Pending<LogChange>): void {
    if (change.kind !== 'write') return;
    const from = change.truncateFrom ?? change.entries[0]?.index ?? Number.POSITIVE_INFINITY;
    this.#writtenFrom.set(term, Math.min(from, this.#writtenFrom.get(term) ?? from));
  }

  /**
   * Whether the disk has come past a log up to `index` as the node had it in `term`: nothing is under way of what it put there until then. One sync may make that
   * durable together with what a later leader had put in its place; or the node may have replaced it before it was handed out at all. Then the disk never held it.
   */
  hasBeenDurable(index: number, term: number): boolean {
    const isUnderWay = this.#pendingLog.some(({ change, term: askedIn }) => {
      const first = change.kind === 'write' ? change.entries[0]?.index : undefined;
      return askedIn <= term && first !== undefined && first <= index;
    });
    const isReplaced = [...this.#writtenFrom].some(([writtenIn, from]) => writtenIn > term && from <= index);
    return (this.#durablePeak >= index || isReplaced) && !isUnderWay;
  }

  /** Decides, for a store that is only a model, what of the rest a crash leaves. */
  crash(random: Random): void {
    const firstPending = Math.min(
      this.#pendingLog[0]?.sequence ?? this.#sequence + 1,
      this.#pendingHardStates[0]?.sequence ?? this.#sequence + 1,
    );
    const kept = random.integer(firstPending - 1, this.#sequence);
    const keptHardState = random.integer(kept, this.#sequence);
    this.logIsDurable(kept);
    this.hardStateIsDurable(keptHardState);
    this.#restart();
  }

  /**
   * Takes what a store holds after a crash for granted from now on. The answer: what is wrong with it, unless it is what was durable and, of the rest, the
   * first changes in their order.
   */
  recovered(found: LogMirror, hardState: HardState | undefined): string | undefined {
    const problem = this.#problemOf(found, hardState);
    this.#durable = found;
    this.#durableHardState = hardState;
    this.#restart();
    return problem;
  }

  #problemOf(found: LogMirror, hardState: HardState | undefined): string | undefined {
    const candidate = this.#durable.clone();
    let changes = 0;
    while (!candidate.equals(found)) {
      const next = this.#pendingLog[changes++];
      if (next === undefined) return `the log ends at ${nameOf(found)}; it was durable up to ${nameOf(this.#durable)}`;
      candidate.apply(next.change);
    }
    const lastChange = this.#pendingLog[changes - 1]?.sequence ?? 0;
    const states = [{ sequence: 0, change: this.#durableHardState }, ...this.#pendingHardStates];
    // Of equal ones the last: no matter which of them it is.
    const state = states.findLast(({ change }) => isSame(change, hardState));
    if (state === undefined)
      return `the hard state is ${describe(hardState)}; ${describe(this.#durableHardState)} was durable`;
    const lost = this.#pendingHardStates.find(({ sequence }) => sequence > state.sequence && sequence < lastChange);
    return lost && `the log is ahead of the hard state ${describe(lost.change)}, which was saved earlier`;
  }

  #restart(): void {
    this.#pendingLog = [];
    this.#pendingHardStates = [];
    this.#acceptedHardState = this.#durableHardState;
    this.#durablePeak = this.#durable.lastIndex;
    this.#writtenFrom.clear();
    this.accepted.apply({
      kind: 'reset',
      boundary: this.#durable.boundary.index === 0 ? undefined : this.#durable.boundary,
    });
    this.accepted.apply({ kind: 'write', truncateFrom: undefined, entries: this.#durable.entries });
  }
}

function isSame(a: HardState | undefined, b: HardState | undefined): boolean {
  return a?.currentTerm === b?.currentTerm && a?.votedFor === b?.votedFor;
}

function describe(state: HardState | undefined): string {
  return state === undefined ? 'none' : `term ${state.currentTerm} with a vote for ${state.votedFor ?? 'nobody'}`;
}

function nameOf({ boundary, last }: LogMirror): string {
  return `${last.index} of term ${last.term} (after the boundary ${boundary.index})`;
}
