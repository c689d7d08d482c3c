import type { Chain } from '../disk/entry-chain.ts';
import type { LogMirror } from '../disk/log-mirror.ts';
import type { Violations } from './violation.ts';

interface Committed {
  readonly chain: Chain | undefined;
  readonly term: number;
  /** Term of the leader that committed it. */
  readonly committedIn: number;
}

/** What is committed: once any node says so, it is so for ever. */
export class CommittedLog {
  readonly #violations: Violations;
  readonly #entries = new Map<number, Committed>();
  #lastIndex = 0;

  constructor(violations: Violations) {
    this.#violations = violations;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** `node`, in `term`, takes everything up to `index` of its log for committed. */
  committed(node: string, term: number, index: number, log: LogMirror): void {
    for (let next = this.#lastIndex + 1; next <= index; next++) {
      const entryTerm = log.termAt(next);
      if (entryTerm !== undefined) {
        this.#entries.set(next, { chain: log.chainAt(next), term: entryTerm, committedIn: term });
      }
    }
    this.#lastIndex = Math.max(this.#lastIndex, index);
    if (index > 0 && !this.#holds(log, index)) {
      this.#violations.report(
        'state-machine-safety',
        `${node} takes entry ${index} of term ${log.termAt(index)} for committed; another one was committed there: ${this.#nameOf(index)}.`,
      );
    }
  }

  /** The log of a leader of `term` must hold what was committed in earlier terms (Raft paper, section 5.4.3). */
  checkLeader(node: string, term: number, log: LogMirror): void {
    for (let index = this.#lastIndex; index > 0; index--) {
      const committed = this.#entries.get(index);
      if (committed === undefined || committed.committedIn >= term) continue;
      // The chain vouches for all entries before it.
      if (this.#holds(log, index)) return;
      this.#violations.report(
        'leader-completeness',
        `${node} leads in term ${term}, but its log (${log.boundary.index + 1} to ${log.lastIndex}) lacks ${this.#nameOf(index)}.`,
      );
      return;
    }
  }

  /** Whether the log holds, or has purged, what is committed at `index`. */
  #holds(log: LogMirror, index: number): boolean {
    const committed = this.#entries.get(index);
    if (committed === undefined || index < log.boundary.index) return true;
    if (log.termAt(index) !== committed.term) return false;
    const chain = log.chainAt(index);
    return chain === undefined || committed.chain === undefined || chain === committed.chain;
  }

  termAt(index: number): number | undefined {
    return this.#entries.get(index)?.term;
  }

  #nameOf(index: number): string {
    const committed = this.#entries.get(index);
    return `entry ${index} of term ${committed?.term}, committed in term ${committed?.committedIn}`;
  }
}
