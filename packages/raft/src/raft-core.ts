import type { Entry, LogId } from '@raftlog/core';
import { type Campaign, Candidate } from './candidate.ts';
import type { Configuration } from './configuration.ts';
import { RaftError } from './errors.ts';
import { Follower } from './follower.ts';
import { Leader } from './leader.ts';
import type { LogDescription } from './log-description.ts';
import type { ChangeOptions, MembershipChange } from './membership-change.ts';
import type { AppendRequest, Message, VoteRequest } from './message.ts';
import { checkMessage } from './message-check.ts';
import type { RaftOptions } from './options.ts';
import type {
  AppendOrder,
  Leadership,
  Proposal,
  Ready,
  SnapshotDescription,
  SnapshotOrder,
  SnapshotOutcome,
  TransferStart,
} from './ready.ts';
import { type RoleBehaviour, Server, type Transitions } from './server.ts';
import type { PeerStatus, Status } from './status.ts';
import { answerVoteRequest } from './vote-request.ts';

const NO_PEERS: ReadonlyMap<string, PeerStatus> = new Map();

/**
 * One Raft server: a deterministic state machine. The same inputs in the same order have the same effects; it does no I/O and has no clock, no promise
 * and no randomness but `options.randomInt`.
 *
 * The host calls one of the inputs, then takes {@link RaftCore.ready} and does what that says in the same turn. Several inputs may come before one
 * `ready`, but `installSnapshot`, `compacted` and `repaired` change the storage too and follow right after one. The core keeps nothing of an entry but
 * its term: entries go straight to the storage, and are read back from there for peers that lag behind.
 *
 * Inputs throw a `RaftError`: `INVALID_ARGUMENT` and `MALFORMED_MESSAGE` before anything has changed; `INVARIANT_VIOLATED` where going on would
 * be wrong, after which the host stops the server.
 *
 * @example
 * ```ts
 * core.step(message);
 * const ready = core.ready();
 * if (ready.write) void engine.write(ready.write).then(() => { core.stored(id); ... });
 * for (const message of ready.messages) transport.send(message);
 * ```
 */
export class RaftCore {
  readonly id: string;
  readonly #server: Server;
  readonly #transitions: Transitions;
  #role: RoleBehaviour;

  /** Throws `INVALID_OPTION`. */
  constructor(options: RaftOptions) {
    this.#server = new Server(options);
    this.id = options.id;
    this.#transitions = {
      follow: (term, leader) => this.#follow(term, leader),
      campaign: (transfer) => this.#campaign(transfer),
      stand: () => this.#stand('vote'),
      lead: () => this.#lead(),
    };
    this.#role = new Follower(this.#server, this.#transitions, undefined);
  }

  /** What there is to know of this server. Made anew for each call; for logs, metrics, and the host's policy of compaction. */
  status(): Status {
    const { id, log, currentTerm, votedFor, leader, isDamaged } = this.#server;
    const leading = this.#leaderRole;
    return {
      id,
      role: this.#role.name,
      term: currentTerm,
      leader,
      votedFor,
      boundary: log.boundary,
      lastLog: log.last,
      storedIndex: log.storedIndex,
      commitIndex: log.commitIndex,
      appliedIndex: log.appliedIndex,
      configuration: log.configuration,
      configurationIndex: log.configurationIndex,
      damaged: isDamaged,
      transferringTo: leading?.transferringTo,
      uncommittedBytes: leading?.uncommittedBytes ?? 0,
      peers: leading?.replication.status() ?? NO_PEERS,
    };
  }

  /** The configuration as of an applied entry: what a snapshot that ends with it has to carry. */
  configurationAt(index: number): Configuration {
    return this.#server.log.configurationAt(index);
  }

  /** Takes what there is to do. The host does all of it in this turn, or nothing ever again. */
  ready(): Ready {
    this.#role.beforeReady();
    return this.#server.outbox.take(this.#server.log, this.#leadership);
  }

  /** Time has passed: one tick for each interval, also for those that the host was late for. */
  tick(): void {
    this.#server.tick();
    this.#role.tick();
  }

  /** A message from another server. Throws `MALFORMED_MESSAGE` for what no core sends. */
  step(message: Message): void {
    checkMessage(message, this.id);
    if (message.type === 'vote-request') {
      this.#answerVoteRequest(message);
      return;
    }
    const { currentTerm } = this.#server;
    if (message.term < currentTerm) {
      this.#answerLate(message);
      return;
    }
    if (message.term > currentTerm && !isPromise(message)) this.#follow(message.term, undefined);
    if (isFromLeader(message)) this.#heardFrom(message);
    this.#role.step(message);
  }

  /**
   * Campaigns now, instead of when the election timeout has passed. Does nothing where this server leads, may not, or has heard from a leader lately,
   * whose lease counts on it.
   */
  campaign(): void {
    if (!this.#server.isLoyal && this.#role.name !== 'leader') this.#campaign(false);
  }

  /** Appends commands to the log, all of them or none. They are committed, or replaced by another leader's. */
  propose(commands: readonly Uint8Array[]): Proposal {
    if (commands.length === 0) throw new RaftError('INVALID_ARGUMENT', 'A proposal must have at least one command.');
    return this.#leaderRole?.propose(commands) ?? this.#notLeader();
  }

  /** Changes the membership, in one step where that is safe, otherwise through a joint configuration. Promoting a learner that is far behind is up to the host. */
  changeMembership(changes: readonly MembershipChange[], options: ChangeOptions = {}): Proposal {
    return this.#leaderRole?.changeMembership(changes, options) ?? this.#notLeader();
  }

  /** Leaves a joint configuration that doesn't leave by itself. */
  leaveJoint(): Proposal {
    return this.#leaderRole?.leaveJoint() ?? this.#notLeader();
  }

  /**
   * Hands leadership to a voter, as soon as it has the whole log. No proposal is taken meanwhile; after an election timeout it is called off. To
   * the leader itself: calls off the transfer to another one.
   */
  transferLeadership(to: string): TransferStart {
    return this.#leaderRole?.transferLeadership(to) ?? this.#notLeader();
  }

  /** Asks for a linearizable read; answered by `reads` or `refusedReads` of a later `Ready`. `id` is not that of a read that is still open. */
  readIndex(id: number): void {
    this.#role.readIndex(id);
  }

  /**
   * The index that a state machine must have applied for a linearizable read, at no cost but trust in clocks that run equally fast within
   * `leaseMarginTicks`; `undefined`: there is no lease now, use `readIndex`. The host first ticks for all the time that has passed.
   */
  leaseReadIndex(): number | undefined {
    return this.#leaderRole?.leaseReadIndex();
  }

  /** A write of a `Ready` is durable, and all before it. */
  stored(writeId: number): void {
    this.#server.writes.stored(writeId);
    this.#server.heal();
    this.#role.stored();
  }

  /** The state machine has applied everything up to here. */
  applied(index: number): void {
    this.#server.log.applied(index);
  }

  /** The entries of an order were read; `undefined`: they could not be. Gives the message to send at once, or `undefined` if the order is void. */
  fill(order: AppendOrder, entries: readonly Entry[] | undefined): AppendRequest | undefined {
    return this.#leaderRole?.replication.fill(order, entries);
  }

  /** The peer of an order has installed a snapshot; `undefined`: it could not be sent. */
  snapshotSent(order: SnapshotOrder, lastIncluded: LogId | undefined): void {
    this.#leaderRole?.replication.snapshotSent(order, lastIncluded);
  }

  /**
   * A snapshot from another server was saved durably: decides what becomes of the log (Raft paper, figure 13, steps 5 to 8). The host carries that
   * out in the same turn.
   */
  installSnapshot({ lastIncluded, configuration }: SnapshotDescription): SnapshotOutcome {
    const { log, leader, isDamaged } = this.#server;
    const { index } = lastIncluded;
    // A leader has all that is committed, so another one's snapshot brings it nothing.
    if (index <= log.commitIndex || this.#leaderRole !== undefined) return 'stale';
    const isKept = log.matches(lastIncluded) && !isDamaged;
    if (isKept) log.commitTo(index);
    else {
      // A candidate has asked for votes with the log that is dropped now.
      if (this.#role.name !== 'follower') this.#follow(this.#server.currentTerm, undefined);
      log.reset(lastIncluded, configuration);
    }
    this.#server.confirm(index);
    // The snapshot vouches for it, whatever was stored of the log.
    if (leader !== undefined)
      this.#server.send(leader, { type: 'append-accepted', matchIndex: index }, { vouchesFor: isKept ? index : 0 });
    return isKept ? 'log-kept' : 'log-reset';
  }

  /** The host has purged the log through an entry that is applied and covered by a snapshot. */
  compacted(boundary: LogId): void {
    this.#server.log.compact(boundary);
  }

  /**
   * The damaged part of the log was put back by the host: describes the whole log. Not needed where the leader replaces the damaged part, which it
   * does by itself. Throws `INVALID_ARGUMENT` once it has begun to.
   */
  repaired(log: LogDescription): void {
    this.#server.repaired(log);
  }

  /** Messages to this peer are being lost: what was on its way is sent again. */
  reportUnreachable(peer: string): void {
    this.#leaderRole?.replication.unreachable(peer);
  }

  get #leaderRole(): Leader | undefined {
    return this.#role instanceof Leader ? this.#role : undefined;
  }

  get #leadership(): Leadership {
    return { role: this.#role.name, term: this.#server.currentTerm, leader: this.#server.leader };
  }

  #notLeader(): {
    readonly accepted: false;
    readonly refusal: { readonly reason: 'not-leader'; readonly leader: string | undefined };
  } {
    return { accepted: false, refusal: { reason: 'not-leader', leader: this.#server.leader } };
  }

  #answerVoteRequest(request: VoteRequest): void {
    if (!request.preVote && request.term > this.#server.currentTerm) {
      // Not even its term is taken over: that alone would end the leader that this server has just heard from (thesis, section 4.2.3).
      if (this.#server.isLoyal && !request.transfer) return;
      this.#follow(request.term, undefined);
    }
    answerVoteRequest(this.#server, request);
  }

  /**
   * A leader that doesn't know of its end learns it from the term of the answer; so does one that leaves a server behind in a higher term. If the sender
   * leads in that term by now, it counts its rounds anew, and replicates anew: nothing of the message is repeated, or the answer would confirm a round that has
   * not been sent yet.
   */
  #answerLate({ type, from }: Message): void {
    if (type === 'append-request' || type === 'heartbeat')
      this.#server.send(from, { type: 'heartbeat-response', round: 0 });
  }

  #heardFrom({ from, type }: Message): void {
    const { leader, currentTerm } = this.#server;
    if (leader !== undefined && leader !== from) {
      throw new RaftError(
        'INVARIANT_VIOLATED',
        `${from} sends a ${type} as leader of term ${currentTerm}, but ${leader} leads in it. Stop this server: a vote was lost, or two servers share an id.`,
      );
    }
    if (leader === undefined) this.#follow(currentTerm, from);
    this.#server.heardFromLeader();
  }

  #follow(term: number, leader: string | undefined): void {
    this.#role.end();
    if (term > this.#server.currentTerm) this.#server.enterTerm(term);
    // A follower goes on waiting: a candidate whose log is too short must not hold back those that can be elected.
    if (this.#role.name !== 'follower') this.#server.resetElectionTimer();
    this.#take(leader, new Follower(this.#server, this.#transitions, leader));
  }

  #campaign(transfer: boolean): void {
    if (!this.#server.mayCampaign) {
      // There is no leader any more, but this server is not one to replace it.
      if (this.#server.leader !== undefined) this.#follow(this.#server.currentTerm, undefined);
      this.#server.resetElectionTimer();
      return;
    }
    if (transfer) {
      this.#stand('transfer');
      return;
    }
    if (!this.#server.options.preVote) {
      this.#stand('vote');
      return;
    }
    this.#role.end();
    this.#server.resetElectionTimer();
    this.#take(undefined, new Candidate(this.#server, this.#transitions, 'pre-vote'));
  }

  #stand(campaign: Campaign): void {
    this.#role.end();
    this.#server.enterTerm(this.#server.currentTerm + 1, this.id);
    this.#server.resetElectionTimer();
    this.#take(undefined, new Candidate(this.#server, this.#transitions, campaign));
  }

  #lead(): void {
    this.#role.end();
    this.#take(this.id, new Leader(this.#server, this.#transitions));
  }

  #take(leader: string | undefined, role: RoleBehaviour): void {
    this.#server.leader = leader;
    this.#role = role;
    role.begin();
  }
}

/** The grant of a pre-vote has a term that nobody is in yet. */
function isPromise(message: Message): boolean {
  return message.type === 'vote-response' && message.preVote && message.granted;
}

function isFromLeader({ type }: Message): boolean {
  return type === 'append-request' || type === 'heartbeat' || type === 'commit-notice' || type === 'timeout-now';
}
