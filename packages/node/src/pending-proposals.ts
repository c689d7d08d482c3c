import type { Entry } from '@raftlog/core';
import { NodeError } from './errors.ts';

/** How a proposal that the core took ends. */
export interface ProposalEnd {
  resolve(result: Uint8Array): void;
  reject(error: NodeError): void;
}

interface Pending extends ProposalEnd {
  readonly term: number;
}

/** The proposals that have a place in this node's log, and are not applied yet. */
export class PendingProposals {
  /** By index, ascending. */
  readonly #pending = new Map<number, Pending>();

  add(index: number, term: number, end: ProposalEnd): void {
    // What an earlier leadership of this node left here was ended with that. Should there be one, nothing is known of it.
    this.#pending.get(index)?.reject(leadershipLost(undefined));
    this.#pending.set(index, { term, resolve: (result) => end.resolve(result), reject: (error) => end.reject(error) });
  }

  /** `results` has one for each command among `entries`. */
  applied(entries: readonly Entry[], results: readonly Uint8Array[]): void {
    let position = 0;
    for (const { index, term, kind } of entries) {
      const result = kind === 'command' ? results[position++] : undefined;
      const pending = this.#pending.get(index);
      if (pending === undefined) continue;
      if (pending.term === term && result !== undefined) {
        this.#pending.delete(index);
        pending.resolve(result);
      } else this.#drop(index);
    }
  }

  /**
   * The node doesn't lead any more, or leads in another term, `ledTerm`. What is committed will be applied here; of the rest of earlier terms nothing can be
   * known.
   */
  leadershipLost(commitIndex: number, leader: string | undefined, ledTerm: number | undefined): void {
    for (const [index, { term, reject }] of this.#pending) {
      if (index <= commitIndex || term === ledTerm) continue;
      this.#pending.delete(index);
      reject(leadershipLost(leader));
    }
  }

  /** The state was replaced by a snapshot's: the results of what it includes are nowhere. */
  skipped(through: number): void {
    for (const [index, { reject }] of this.#pending) {
      if (index > through) continue;
      this.#pending.delete(index);
      reject(leadershipLost(undefined));
    }
  }

  stop(error: NodeError): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  /** Another entry has the place, for ever. */
  #drop(index: number): void {
    const pending = this.#pending.get(index);
    if (pending === undefined) return;
    this.#pending.delete(index);
    pending.reject(
      new NodeError(
        'PROPOSAL_DROPPED',
        `Another leader's entry took the place of the proposal (${index}): it will never take effect. Propose it again.`,
        { index, term: pending.term },
      ),
    );
  }
}

export function leadershipLost(leader: string | undefined): NodeError<'LEADERSHIP_LOST'> {
  return new NodeError(
    'LEADERSHIP_LOST',
    `The leader changed before the proposal was known to be committed: it may or may not be, now or later. Repeat only what may take effect twice, or through a client session.${leader === undefined ? '' : ` ${leader} leads now.`}`,
    { leader },
  );
}
