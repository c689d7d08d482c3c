import type { LogId } from '@raftlog/core';
import type { TermRun } from './log-description.ts';

/**
 * The terms of a log, as runs: one for each leader that wrote to it. What a core keeps of the entries themselves, which makes its memory independent
 * of the length of the log.
 */
export class TermRuns {
  #boundary: LogId;
  #lastIndex: number;
  readonly #runs: TermRun[];

  constructor(boundary: LogId, lastIndex: number, runs: readonly TermRun[]) {
    this.#boundary = boundary;
    this.#lastIndex = lastIndex;
    this.#runs = runs.filter(({ first }) => first <= lastIndex);
  }

  get boundary(): LogId {
    return this.#boundary;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get last(): LogId {
    return { index: this.#lastIndex, term: this.#runs.at(-1)?.term ?? this.#boundary.term };
  }

  /** `undefined` before the boundary and past the end. */
  at(index: number): number | undefined {
    if (index < this.#boundary.index || index > this.#lastIndex) return undefined;
    return this.#runAt(index)?.term ?? this.#boundary.term;
  }

  /** The highest index, at or below `index`, whose term is not above `term`; where the terms aren't known any more, that place as it is. */
  lastWithTermUpTo(term: number, index: number): number {
    let candidate = Math.min(index, this.#lastIndex);
    while (candidate > this.#boundary.index) {
      const run = this.#runAt(candidate);
      if (run === undefined || run.term <= term) break;
      candidate = run.first - 1;
    }
    return candidate;
  }

  append(index: number, term: number): void {
    if (this.last.term !== term || this.#runs.length === 0) this.#runs.push({ first: index, term });
    this.#lastIndex = index;
  }

  /** Forgets everything from `from` on, which lies above the boundary. */
  truncate(from: number): void {
    while (this.#runs.length > 0 && (this.#runs.at(-1)?.first ?? 0) >= from) this.#runs.pop();
    this.#lastIndex = Math.min(this.#lastIndex, from - 1);
  }

  /** Forgets everything up to `boundary`, which lies in the log. */
  compact(boundary: LogId): void {
    const rest = this.#runs.filter(
      (_, position) => (this.#runs[position + 1]?.first ?? Number.POSITIVE_INFINITY) > boundary.index + 1,
    );
    this.#runs.splice(0, this.#runs.length, ...(boundary.index < this.#lastIndex ? rest : []));
    const head = this.#runs[0];
    if (head !== undefined && head.first <= boundary.index)
      this.#runs[0] = { first: boundary.index + 1, term: head.term };
    this.#boundary = boundary;
  }

  /** Forgets everything; the log continues after `boundary`. */
  reset(boundary: LogId): void {
    this.#runs.length = 0;
    this.#boundary = boundary;
    this.#lastIndex = boundary.index;
  }

  #runAt(index: number): TermRun | undefined {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#runs[middle]?.first ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const run = this.#runs[low];
    return run !== undefined && run.first <= index ? run : undefined;
  }
}
