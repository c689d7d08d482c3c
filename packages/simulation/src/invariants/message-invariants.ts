import type { Envelope, NodeMessage } from '@raftlog/node';
import type { AppendAccepted } from '@raftlog/raft';
import type { DiskJournal } from '../disk/disk-journal.ts';
import type { Violations } from './violation.ts';

/** What a node may say, given what its disk is certain to hold. */
export class MessageInvariants {
  readonly #violations: Violations;
  readonly #journalOf: (node: string) => DiskJournal | undefined;
  /** By voter and term. */
  readonly #votes = new Map<string, string>();
  readonly #terms = new Map<string, number>();

  constructor(violations: Violations, journalOf: (node: string) => DiskJournal | undefined) {
    this.#violations = violations;
    this.#journalOf = journalOf;
  }

  /** The highest term that the node has sent a message in. */
  termSaidBy(node: string): number {
    return this.#terms.get(node) ?? 0;
  }

  sent({ from, message }: Envelope): void {
    const journal = this.#journalOf(from);
    if (journal === undefined) return;
    this.#checkTerm(from, message, journal);
    if (message.type === 'vote-response' && message.granted && !message.preVote) {
      this.#checkVote(from, message.to, message.term, journal);
    }
    if (message.type === 'vote-request' && !message.preVote) this.#checkVote(from, from, message.term, journal);
    if (message.type === 'append-accepted') this.#checkAcknowledged(message, journal);
  }

  // Updated on stable storage before responding (Raft paper, figure 2).
  #checkTerm(from: string, message: NodeMessage, { durableHardState }: DiskJournal): void {
    const isPreVote = 'preVote' in message && message.preVote;
    if (!('term' in message) || isPreVote) return;
    if (message.type === 'proposal-request') return;
    this.#terms.set(from, Math.max(message.term, this.termSaidBy(from)));
    const durable = durableHardState?.currentTerm ?? 0;
    if (message.term <= durable) return;
    this.#violations.report(
      'durable-before-use',
      `${from} sends ${message.type} in term ${message.term}, but only term ${durable} is durable there.`,
    );
  }

  #checkVote(voter: string, candidate: string, term: number, { durableHardState }: DiskJournal): void {
    const key = `${voter} ${term}`;
    const earlier = this.#votes.get(key);
    if (earlier !== undefined && earlier !== candidate) {
      this.#violations.report(
        'one-vote-per-term',
        `${voter} votes for ${earlier} and for ${candidate} in term ${term}.`,
      );
    }
    this.#votes.set(key, candidate);
    if (durableHardState?.currentTerm === term && durableHardState.votedFor !== candidate) {
      this.#violations.report(
        'durable-before-use',
        `${voter} votes for ${candidate} in term ${term}; on its disk is a vote for ${durableHardState.votedFor ?? 'nobody'}.`,
      );
    }
  }

  #checkAcknowledged({ from, term, matchIndex: index }: AppendAccepted, journal: DiskJournal): void {
    const { durable, accepted, acceptedHardState } = journal;
    if (index <= durable.boundary.index || index <= accepted.boundary.index) return;
    // What is said in an earlier term may be replaced since, by the leader of a later one, in memory and on the disk.
    const isLate = term < (acceptedHardState?.currentTerm ?? 0);
    const isThere = durable.lastIndex >= index && durable.chainAt(index) === accepted.chainAt(index);
    if (isLate ? journal.hasBeenDurable(index, term) : isThere) return;
    this.#violations.report(
      'durable-before-use',
      `${from} acknowledges the log up to ${index}; durable there is ${durable.lastIndex} at most, or other entries.`,
    );
  }
}
