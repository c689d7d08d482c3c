import type { Entry } from '@raftlog/core';
import {
  type ChangeOptions,
  type Configuration,
  decodeConfiguration,
  isJoint,
  type Leadership,
  type MembershipChange,
  type Refusal,
} from '@raftlog/raft';
import type { CoreHost } from './core-host.ts';
import { NodeError } from './errors.ts';
import { leadershipLost } from './pending-proposals.ts';
import { notLeader, type Request, type Requests } from './request.ts';

interface Change {
  readonly changes: readonly MembershipChange[];
  readonly options: ChangeOptions;
  readonly request: Request<Configuration>;
}

interface AcceptedChange {
  readonly index: number;
  readonly term: number;
  readonly request: Request<Configuration>;
}

interface Transfer {
  readonly to: string;
  readonly request: Request<void>;
}

/** Changes of membership and of the leader, which only a leader can begin. */
export class Administration {
  readonly #host: CoreHost;
  readonly #requests: Requests;
  /** They wait for the leader to commit an entry of its own, or for a transfer to end. */
  #parked: Change[] = [];
  #accepted: AcceptedChange[] = [];
  /** Their joint configuration is committed; that which follows it is not yet. */
  #halfway: Request<Configuration>[] = [];
  #transfers: Transfer[] = [];

  constructor(host: CoreHost, requests: Requests) {
    this.#host = host;
    this.#requests = requests;
  }

  changeMembership(
    changes: readonly MembershipChange[],
    options: ChangeOptions,
    signal: AbortSignal | undefined,
  ): Promise<Configuration> {
    const request = this.#requests.open<Configuration>(signal);
    this.#attempt({ changes, options, request });
    return request.promise;
  }

  #attempt(change: Change): void {
    const { request } = change;
    if (request.isSettled) return;
    const proposal = this.#host.input((core) => core.changeMembership(change.changes, change.options));
    if (proposal === undefined) return;
    if (proposal.accepted) {
      request.outcome = 'unknown';
      this.#accepted.push({ index: proposal.last, term: proposal.term, request });
    } else if (isPassing(proposal.refusal)) this.#parked.push(change);
    else request.reject(errorOf(proposal.refusal));
  }

  transferLeadership(to: string, signal: AbortSignal | undefined): Promise<void> {
    const request = this.#requests.open<void>(signal);
    if (request.isSettled) return request.promise;
    const start = this.#host.input((core) => core.transferLeadership(to));
    if (start?.accepted === false) request.reject(errorOf(start.refusal));
    else if (start?.accepted && this.#host.input((core) => core.id) === to) request.resolve();
    else this.#transfers.push({ to, request });
    return request.promise;
  }

  /** Entries were applied: a configuration among them is committed. */
  applied(entries: readonly Entry[]): void {
    if (this.#accepted.length === 0 && this.#halfway.length === 0) return;
    for (const entry of entries) {
      if (entry.kind === 'config') this.#committed(decodeConfiguration(entry.data));
      this.#settle(entry);
    }
  }

  #committed(configuration: Configuration): void {
    if (isJoint(configuration)) return;
    for (const request of this.#halfway.splice(0)) request.resolve(configuration);
  }

  #settle(entry: Entry): void {
    this.#accepted = this.#accepted.filter(({ index, term, request }) => {
      if (index !== entry.index) return true;
      if (term !== entry.term) request.reject(dropped(index, term));
      else {
        const configuration = decodeConfiguration(entry.data);
        if (isJoint(configuration) && configuration.autoLeave) this.#halfway.push(request);
        else request.resolve(configuration);
      }
      return false;
    });
  }

  /** The state was replaced by a snapshot's: which changes it includes, and how they ended, is not seen here. */
  skipped(through: number): void {
    this.#accepted = this.#accepted.filter(({ index, request }) => {
      if (index <= through) request.reject(leadershipLost(undefined));
      return index > through;
    });
    for (const request of this.#halfway.splice(0)) request.reject(leadershipLost(undefined));
  }

  leadershipChanged({ role, leader }: Leadership, commitIndex: number): void {
    if (role !== 'leader') {
      this.#accepted = this.#accepted.filter(({ index, request }) => {
        if (index > commitIndex) request.reject(leadershipLost(leader));
        return index <= commitIndex;
      });
    }
    this.#transfers = this.#transfers.filter(({ to, request }) => {
      if (leader === to) request.resolve();
      return !request.isSettled;
    });
    this.#retry();
  }

  tick(): void {
    this.#endTransfers();
    this.#retry();
  }

  /** The core calls a transfer off after an election timeout, and then leads on. */
  #endTransfers(): void {
    if (this.#transfers.length === 0) return;
    const status = this.#host.input((core) => core.status());
    if (status?.role !== 'leader' || status.transferringTo !== undefined) return;
    for (const { to, request } of this.#transfers.splice(0)) {
      const problem = `${to} did not take over in an election timeout.`;
      request.reject(
        new NodeError('INVALID_CHANGE', `${problem} See that it runs and is not far behind.`, { problem }),
      );
    }
  }

  #retry(): void {
    for (const change of this.#parked.splice(0)) this.#attempt(change);
  }
}

function isPassing({ reason }: Refusal): boolean {
  return reason === 'term-not-committed' || reason === 'transferring';
}

function errorOf(refusal: Refusal): NodeError {
  switch (refusal.reason) {
    case 'not-leader':
      return notLeader(refusal.leader);
    case 'invalid':
      return new NodeError('INVALID_CHANGE', refusal.problem, { problem: refusal.problem });
    default:
      return new NodeError(
        'CHANGE_PENDING',
        'Another change is not finished. Nothing was changed: try again later.',
        {},
      );
  }
}

function dropped(index: number, term: number): NodeError<'PROPOSAL_DROPPED'> {
  return new NodeError(
    'PROPOSAL_DROPPED',
    'Another leader’s entry took the place of the change: it will never take effect. Look at the membership, then change it again.',
    { index, term },
  );
}
