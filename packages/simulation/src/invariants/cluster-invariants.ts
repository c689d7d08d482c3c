import type { Role } from '@raftlog/raft';
import type { DiskJournal } from '../disk/disk-journal.ts';
import type { Chain } from '../disk/entry-chain.ts';
import { CommittedLog } from './committed-log.ts';
import type { Violations } from './violation.ts';

/** What a node says of itself. */
export interface NodeView {
  readonly role: Role;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
}

interface Office {
  readonly node: string;
  readonly term: number;
  lastIndex: number;
  chain: Chain | undefined;
}

/** What is known of one node from its last step, in this process and in earlier ones. */
interface Known {
  term: number;
  commitIndex: number;
  appliedIndex: number;
  process: number;
}

/** Raft's invariants (Raft paper, figure 3) over all nodes, looked at after each step of one of them. */
export class ClusterInvariants {
  readonly committed: CommittedLog;
  readonly #violations: Violations;
  readonly #termSaidBy: (node: string) => number;
  readonly #known = new Map<string, Known>();
  readonly #leaders = new Map<number, string>();
  /** Those that lead, as far as they know. */
  readonly #offices = new Map<string, { readonly office: Office; readonly journal: DiskJournal }>();

  /** `termSaidBy`: the highest term that a node has sent a message in. */
  constructor(violations: Violations, termSaidBy: (node: string) => number) {
    this.#violations = violations;
    this.#termSaidBy = termSaidBy;
    this.committed = new CommittedLog(violations);
  }

  /** Terms in which there was a leader. */
  get elections(): number {
    return this.#leaders.size;
  }

  /** `process` counts the starts of the node. */
  afterStep(node: string, process: number, view: NodeView, journal: DiskJournal): void {
    this.#checkProgress(node, process, view, journal);
    this.#checkCommitted(node, view, journal);
    if (view.role === 'leader') this.#checkLeader(node, view, journal);
    else this.#offices.delete(node);
  }

  /** The node's process has ended. */
  ended(node: string): void {
    this.#offices.delete(node);
  }

  #checkProgress(node: string, process: number, view: NodeView, { accepted }: DiskJournal): void {
    const { term, commitIndex, appliedIndex } = view;
    const known = this.#known.get(node);
    if (known === undefined) {
      this.#known.set(node, { term, commitIndex, appliedIndex, process });
    } else {
      const isSame = known.process === process;
      // What wasn't durable and was never said may be forgotten in a crash.
      const least = isSame ? known.term : this.#termSaidBy(node);
      if (term < least) this.#violations.report('term-monotonic', `${node} went from term ${least} back to ${term}.`);
      if (isSame && (commitIndex < known.commitIndex || appliedIndex < known.appliedIndex)) {
        this.#violations.report(
          'commit-order',
          `${node} went back from commit ${known.commitIndex}, applied ${known.appliedIndex}, to ${commitIndex}, ${appliedIndex}.`,
        );
      }
      Object.assign(known, { term, commitIndex, appliedIndex, process });
    }
    if (appliedIndex > commitIndex || commitIndex > accepted.lastIndex) {
      this.#violations.report(
        'commit-order',
        `${node} has applied ${appliedIndex} and committed ${commitIndex} of a log that ends at ${accepted.lastIndex}.`,
      );
    }
  }

  #checkCommitted(node: string, { term, commitIndex, role }: NodeView, { accepted }: DiskJournal): void {
    const before = this.committed.lastIndex;
    this.committed.committed(node, term, commitIndex, accepted);
    if (role !== 'leader' || this.committed.lastIndex === before) return;
    // A leader that doesn't know yet that it was replaced may still commit; its successor must have that entry.
    for (const [other, { office, journal }] of this.#offices) {
      if (office.term > term) this.committed.checkLeader(other, office.term, journal.accepted);
    }
  }

  #checkLeader(node: string, { term }: NodeView, journal: DiskJournal): void {
    const { accepted } = journal;
    const found = this.#offices.get(node)?.office;
    if (found?.term === term) {
      this.#checkAppendOnly(found, journal);
      return;
    }
    const leader = this.#leaders.get(term);
    if (leader !== undefined && leader !== node) {
      this.#violations.report('election-safety', `${leader} and ${node} both lead in term ${term}.`);
    }
    this.#leaders.set(term, node);
    this.committed.checkLeader(node, term, accepted);
    const office = { node, term, lastIndex: accepted.lastIndex, chain: accepted.chainAt(accepted.lastIndex) };
    this.#offices.set(node, { office, journal });
    this.#checkChanges(node, journal);
  }

  #checkAppendOnly(office: Office, journal: DiskJournal): void {
    const { accepted } = journal;
    if (accepted.lastIndex === office.lastIndex && accepted.chainAt(office.lastIndex) === office.chain) return;
    const isPurged = office.lastIndex < accepted.boundary.index;
    if (accepted.lastIndex < office.lastIndex || (!isPurged && accepted.chainAt(office.lastIndex) !== office.chain)) {
      this.#violations.report(
        'leader-append-only',
        `${office.node}, which leads in term ${office.term}, has changed its log at or before ${office.lastIndex}.`,
      );
    }
    office.lastIndex = accepted.lastIndex;
    office.chain = accepted.chainAt(accepted.lastIndex);
    this.#checkChanges(office.node, journal);
  }

  #checkChanges(node: string, { accepted }: DiskJournal): void {
    let changes = 0;
    for (let index = this.committed.lastIndex + 1; index <= accepted.lastIndex; index++) {
      if (accepted.entry(index)?.kind === 'config') changes++;
    }
    if (changes > 1) {
      this.#violations.report(
        'one-change-at-a-time',
        `${node} leads with ${changes} membership changes that aren't committed.`,
      );
    }
  }
}
