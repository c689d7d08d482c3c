import { RaftError } from './errors.ts';
import type { LogDescription } from './log-description.ts';
import type { Message, MessageBody } from './message.ts';
import { type RaftOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { address, Outbox } from './outbox.ts';
import { RaftLog } from './raft-log.ts';
import type { Role } from './ready.ts';
import { Writes } from './writes.ts';

/** What this server may have acknowledged before its log was damaged. */
interface Damage {
  readonly through: number;
  readonly term: number;
}

/** How a role ends: what `RaftCore` does when the role asks for it. */
export interface Transitions {
  /** Become a follower in this term, of `leader` if it is known. */
  follow(term: number, leader: string | undefined): void;
  /** The election timeout has passed, or, with `transfer`, the leader has asked for it. */
  campaign(transfer: boolean): void;
  /** The pre-vote was won. */
  stand(): void;
  /** The election was won. */
  lead(): void;
}

/** What a server does as long as it has one role. It gets the messages of its own term. */
export interface RoleBehaviour {
  readonly name: Role;
  /** Once, when the role has been taken. */
  begin(): void;
  tick(): void;
  step(message: Message): void;
  /** Something has become durable. */
  stored(): void;
  readIndex(id: number): void;
  /** The host is about to take what there is to do. */
  beforeReady(): void;
  /** The role is lost: gives up what is pending. */
  end(): void;
}

interface SendOptions {
  readonly vouchesFor?: number;
  readonly term?: number;
}

/** What all roles have in common: term, vote, log, time, and the outbox. */
export class Server {
  readonly options: ResolvedOptions;
  readonly id: string;
  readonly writes: Writes;
  readonly outbox: Outbox;
  /** Tells the reads of this run from those of an earlier one. */
  readonly session: number;
  #log: RaftLog;
  #currentTerm: number;
  #votedFor: string | undefined;
  /** Leader of the current term, once it is known. */
  leader: string | undefined;
  #now = 0;
  #heardFromLeaderAt: number;
  #electionTimeout = 0;
  #electionDeadline = 0;
  #damage: Damage | undefined;
  /** Up to here the log is known to equal that of the current term's leader. */
  #confirmedIndex = 0;

  constructor(options: RaftOptions) {
    this.options = resolveOptions(options);
    const { id, hardState, log, appliedIndex, electionTicks } = this.options;
    this.id = id;
    this.writes = new Writes(log.damagedFrom === undefined ? log.lastIndex : log.damagedFrom - 1);
    this.outbox = new Outbox(this.writes);
    this.session = this.options.randomInt(2 ** 32);
    this.#log = new RaftLog(log, appliedIndex, this.writes);
    this.#currentTerm = hardState?.currentTerm ?? 0;
    this.#votedFor = hardState?.votedFor;
    // A server that starts again may have heard from a leader just before, whose lease counts on it: it holds back as if it had heard now.
    this.#heardFromLeaderAt = this.#currentTerm === 0 ? -electionTicks : 0;
    if (log.damagedFrom !== undefined) this.#damage = { through: log.lastIndex, term: this.#currentTerm };
    this.resetElectionTimer();
  }

  get log(): RaftLog {
    return this.#log;
  }

  get currentTerm(): number {
    return this.#currentTerm;
  }

  get votedFor(): string | undefined {
    return this.#votedFor;
  }

  /** Ticks since the start. */
  get now(): number {
    return this.#now;
  }

  get isDamaged(): boolean {
    return this.#damage !== undefined;
  }

  /** Whether this server may try to become leader. */
  get mayCampaign(): boolean {
    return !this.isDamaged && this.#log.isElectable(this.id);
  }

  get isElectionDue(): boolean {
    return this.#now >= this.#electionDeadline;
  }

  /**
   * Nobody to wait for: the only voter campaigns at once. Not as long as a configuration with others may be in force, whose leader may hold a lease
   * that counts on this server.
   */
  get isAlone(): boolean {
    return this.#log.openConfigurations.every(
      ({ voters, outgoing }) => voters.length === 1 && voters[0] === this.id && outgoing.length === 0,
    );
  }

  /**
   * Having heard from a leader within the shortest election timeout, a server doesn't help to replace it (thesis, section 4.2.3). Whatever term it has
   * come to since: the leader's lease counts on it.
   */
  get isLoyal(): boolean {
    if (!this.options.checkQuorum) return false;
    return this.leader === this.id || this.#now - this.#heardFromLeaderAt < this.options.electionTicks;
  }

  tick(): void {
    this.#now++;
  }

  heardFromLeader(): void {
    this.#heardFromLeaderAt = this.#now;
    this.#electionDeadline = this.#now + this.#electionTimeout;
  }

  /** Draws a new timeout, so that servers that have split the vote don't do so again (Raft paper, section 5.2). */
  resetElectionTimer(): void {
    const { electionTicks, randomInt } = this.options;
    this.#electionTimeout = electionTicks + randomInt(electionTicks);
    this.#electionDeadline = this.#now + this.#electionTimeout;
  }

  /** A term that is higher than the current one. */
  enterTerm(term: number, votedFor?: string): void {
    this.#currentTerm = term;
    this.#votedFor = votedFor;
    this.#confirmedIndex = 0;
    this.#saveHardState();
  }

  voteFor(candidate: string): void {
    this.resetElectionTimer();
    if (this.#votedFor === candidate) return;
    this.#votedFor = candidate;
    this.#saveHardState();
  }

  #saveHardState(): void {
    this.writes.saveHardState({ currentTerm: this.#currentTerm, votedFor: this.#votedFor });
  }

  /** Sends a message in the current term, or in `term`, when all is durable that it depends on: the hard state, and the log up to `vouchesFor`. */
  send(to: string, body: MessageBody, { vouchesFor = 0, term = this.#currentTerm }: SendOptions = {}): void {
    this.outbox.send(address(this.id, to, term, body), vouchesFor);
  }

  /** The log up to here is the current leader's. */
  confirm(index: number): void {
    this.#confirmedIndex = Math.max(this.#confirmedIndex, index);
    this.heal();
  }

  /**
   * Ends the abstention of a server whose log was damaged, once all is durable again that it may have acknowledged: when its log is a leader's up to where
   * it ended before; or up to an entry of a later term, for what was acknowledged and committed in earlier ones comes before that in every log.
   */
  heal(): void {
    if (this.#damage === undefined) return;
    const whole = Math.min(this.#confirmedIndex, this.#log.storedIndex);
    if (whole >= this.#damage.through || (this.#log.termAt(whole) ?? 0) > this.#damage.term) this.#damage = undefined;
  }

  /** The host has put the damaged entries back: `description` is that of the whole log. */
  repaired(description: LogDescription): void {
    const { log } = this.options;
    const isUntouched = this.isDamaged && this.#log.storesDamage;
    if (!isUntouched || description.damagedFrom !== undefined || description.lastIndex !== log.lastIndex) {
      throw new RaftError(
        'INVALID_ARGUMENT',
        'The log can be repaired only while it is damaged and nothing has replaced the damage, and only as a whole. Start the server anew.',
      );
    }
    const { commitIndex } = this.#log;
    this.writes.reset(description.lastIndex);
    this.#log = new RaftLog(description, Math.max(this.options.appliedIndex, this.#log.appliedIndex), this.writes);
    this.#log.commitTo(commitIndex);
    this.#damage = undefined;
  }
}
