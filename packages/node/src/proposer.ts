import type { Leadership, Proposal } from '@raftlog/raft';
import type { CoreHost } from './core-host.ts';
import { isNodeError, NodeError } from './errors.ts';
import type { NodeMessage, ProposalAnswer, ProposalRequest, ProposalResponse } from './node-message.ts';
import { leadershipLost, PendingProposals } from './pending-proposals.ts';
import { busy, notLeader, type Request, type Requests } from './request.ts';
import { SeenIds } from './seen-ids.ts';

/** What a {@link Proposer} depends on. */
export interface ProposerOptions {
  readonly host: CoreHost;
  readonly requests: Requests;
  readonly send: (to: string, message: NodeMessage) => void;
  /** True while the storage has more to write than it takes. */
  readonly isCongested: () => boolean;
  readonly forward: boolean;
  readonly maxCommandBytes: number;
  readonly maxUncommittedBytes: number;
  /** Drawn at the start. */
  readonly session: number;
  /** The node's term when it started. */
  readonly firstTerm: number;
}

interface Call {
  readonly command: Uint8Array;
  readonly request: Request<Uint8Array>;
}

interface Forwarded {
  readonly call: Call;
  readonly leader: string;
  /** In which it led. */
  readonly term: number;
}

/** Brings proposals into the log of the leader, this node or another one, and their results back. */
export class Proposer {
  readonly #options: ProposerOptions;
  readonly #pending = new PendingProposals();
  /** They wait for a leader. */
  readonly #parked = new Set<Call>();
  readonly #forwarded = new Map<number, Forwarded>();
  readonly #seen = new SeenIds();
  #nextId = 1;

  constructor(options: ProposerOptions) {
    this.#options = options;
  }

  get pending(): PendingProposals {
    return this.#pending;
  }

  async propose(command: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
    if (!(command instanceof Uint8Array))
      throw new TypeError('propose() takes a Uint8Array. Encode the command first.');
    const { maxCommandBytes } = this.#options;
    if (command.byteLength > maxCommandBytes) throw tooLarge(command.byteLength, maxCommandBytes);
    const request = this.#options.requests.open<Uint8Array>(signal);
    // Copied: the caller may use its buffer again, while the command waits for the storage and for peers.
    this.#attempt({ command: command.slice(), request });
    return request.promise;
  }

  #attempt(call: Call): void {
    const { request } = call;
    if (request.isSettled) return;
    request.outcome = 'none';
    const proposal = this.#proposeHere(call.command);
    if (proposal === undefined) return;
    if ('error' in proposal) {
      request.reject(proposal.error);
      return;
    }
    if (proposal.accepted) {
      request.outcome = 'unknown';
      this.#pending.add(proposal.first, proposal.term, request);
      return;
    }
    const { refusal } = proposal;
    if (refusal.reason === 'not-leader') {
      this.#attemptElsewhere(call, refusal.leader);
      return;
    }
    // A transfer ends soon, one way or the other.
    this.#parked.add(call);
  }

  /** `undefined` where the node has stopped: its requests are settled then. */
  #proposeHere(command: Uint8Array): Proposal | { readonly error: NodeError } | undefined {
    const { host, isCongested, maxUncommittedBytes } = this.#options;
    const proposal = isCongested() ? 'busy' : host.input((core) => core.propose([command]));
    const isBusy =
      proposal === 'busy' || (proposal?.accepted === false && proposal.refusal.reason === 'too-much-in-flight');
    return isBusy ? { error: busy(maxUncommittedBytes) } : (proposal as Proposal | undefined);
  }

  #attemptElsewhere(call: Call, leader: string | undefined): void {
    if (!this.#options.forward) {
      call.request.reject(notLeader(leader));
      return;
    }
    if (leader === undefined) this.#parked.add(call);
    else this.#forward(call, leader);
  }

  #forward(call: Call, leader: string): void {
    const term = this.#options.host.input((core) => core.status().term);
    if (term === undefined) return;
    const id = this.#nextId++;
    call.request.outcome = 'unknown';
    this.#forwarded.set(id, { call, leader, term });
    const proposal = { id, session: this.#options.session };
    this.#options.send(leader, { type: 'proposal-request', proposal, term, command: call.command });
  }

  /** The answer to a proposal that was forwarded. */
  answered(from: string, { proposal, answer }: ProposalResponse): void {
    const forwarded = this.#forwarded.get(proposal.id);
    if (forwarded?.leader !== from || proposal.session !== this.#options.session) return;
    this.#forwarded.delete(proposal.id);
    const { call } = forwarded;
    if (answer.kind === 'result') call.request.resolve(answer.result);
    else if (answer.kind === 'not-leader') this.#parkAgain(call);
    else call.request.reject(errorOf(answer));
  }

  // Until the next tick or leader: what this node takes for the leader may be wrong for a while, and asking at once would ask the same one.
  #parkAgain(call: Call): void {
    call.request.outcome = 'none';
    this.#parked.add(call);
  }

  /** Another node's proposal. */
  requested(from: string, { proposal, term, command }: ProposalRequest): void {
    const { host, send, firstTerm, maxCommandBytes } = this.#options;
    // A copy of what was answered already, or of what an earlier run of this node may have proposed: "not proposed" could be false then, and
    // saying nothing leaves it open.
    if (term <= firstTerm || !this.#seen.add(from, proposal.session, proposal.id)) return;
    const answer = (value: ProposalAnswer): void => send(from, { type: 'proposal-response', proposal, answer: value });
    const status = host.input((core) => core.status());
    if (status === undefined) return;
    if (status.role !== 'leader' || status.term !== term) {
      answer({ kind: 'not-leader' });
      return;
    }
    if (command.byteLength > maxCommandBytes) {
      answer({ kind: 'too-large', bytes: command.byteLength, limit: maxCommandBytes });
      return;
    }
    const taken = this.#proposeHere(command);
    if (taken === undefined) return;
    if ('error' in taken) {
      answer({ kind: 'busy', limit: this.#options.maxUncommittedBytes });
      return;
    }
    if (!taken.accepted) {
      answer({ kind: 'not-leader' });
      return;
    }
    this.#pending.add(taken.first, taken.term, {
      resolve: (result) => answer({ kind: 'result', result }),
      reject: (error) => answer(answerOf(error)),
    });
  }

  leadershipChanged({ role, term, leader }: Leadership, commitIndex: number): void {
    this.#pending.leadershipLost(commitIndex, leader, role === 'leader' ? term : undefined);
    for (const [id, { call, leader: asked, term: askedIn }] of this.#forwarded) {
      // The same node in a later term has forgotten what it was asked in the earlier one.
      if (leader === undefined || (leader === asked && term === askedIn)) continue;
      this.#forwarded.delete(id);
      call.request.reject(leadershipLost(leader));
    }
    this.#retry();
  }

  tick(): void {
    for (const [id, { call }] of this.#forwarded) if (call.request.isSettled) this.#forwarded.delete(id);
    this.#retry();
  }

  #retry(): void {
    const parked = [...this.#parked];
    this.#parked.clear();
    for (const call of parked) this.#attempt(call);
  }
}

function answerOf(error: NodeError): ProposalAnswer {
  return isNodeError(error, 'PROPOSAL_DROPPED') ? { kind: 'dropped', ...error.details } : { kind: 'unknown' };
}

function errorOf(answer: Exclude<ProposalAnswer, { readonly kind: 'result' | 'not-leader' }>): NodeError {
  switch (answer.kind) {
    case 'busy':
      return busy(answer.limit);
    case 'too-large':
      return tooLarge(answer.bytes, answer.limit);
    case 'dropped':
      return new NodeError(
        'PROPOSAL_DROPPED',
        'Another entry took the place of the proposal: it will never take effect. Propose it again.',
        { index: answer.index, term: answer.term },
      );
    case 'unknown':
      return leadershipLost(undefined);
  }
}

function tooLarge(bytes: number, limit: number): NodeError<'TOO_LARGE'> {
  return new NodeError(
    'TOO_LARGE',
    `The command has ${bytes} bytes, at most ${limit} are taken. Split it, or raise limits.maxCommandBytes.`,
    {
      bytes,
      limit,
    },
  );
}
