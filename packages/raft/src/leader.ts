import type { Entry, EntryKind } from '@raftlog/core';
import { type Configuration, encodeConfiguration, isJoint, isVoter } from './configuration.ts';
import {
  type ChangeOptions,
  changedConfiguration,
  leavesByItself,
  leftJoint,
  type MembershipChange,
} from './membership-change.ts';
import type { Message } from './message.ts';
import { PendingReads, type Reader } from './read-index.ts';
import type { Proposal, Refusal, TransferStart } from './ready.ts';
import { Replication } from './replication.ts';
import type { RoleBehaviour, Server, Transitions } from './server.ts';
import { bytesOf, UncommittedProposals } from './uncommitted.ts';

interface Transfer {
  readonly to: string;
  readonly deadline: number;
}

/** A server that leads (Raft paper, section 5.3 and figure 2, rules for leaders). All it knows as a leader ends with it. */
export class Leader implements RoleBehaviour {
  readonly name = 'leader';
  readonly replication: Replication;
  readonly #server: Server;
  readonly #transitions: Transitions;
  readonly #reads = new PendingReads();
  readonly #uncommitted: UncommittedProposals;
  #transfer: Transfer | undefined;
  /** A peer was told to campaign: it may do so at any time, however late the message comes, so there is no lease any more in this term. */
  #hasGivenUpLease = false;
  #heartbeatDue: number;

  constructor(server: Server, transitions: Transitions) {
    this.#server = server;
    this.#transitions = transitions;
    this.replication = new Replication(server);
    this.#uncommitted = new UncommittedProposals(server.options.maxUncommittedBytes);
    this.#heartbeatDue = server.now + server.options.heartbeatTicks;
  }

  /** An entry of the own term, to commit those of earlier ones (Raft paper, sections 5.4.2 and 8). */
  begin(): void {
    this.#append('noop', [new Uint8Array(0)]);
    this.replication.sendHeartbeats();
  }

  tick(): void {
    const { now, options, currentTerm } = this.#server;
    if (options.checkQuorum && now - this.replication.quorumHeardAt >= options.electionTicks) {
      // Cut off from its quorum it can commit nothing, and its clients had better look elsewhere (thesis, section 6.2).
      this.#transitions.follow(currentTerm, undefined);
      return;
    }
    if (this.#transfer !== undefined && now >= this.#transfer.deadline) this.#transfer = undefined;
    for (const reader of this.#reads.giveUp(now - options.electionTicks)) this.#refuse(reader);
    if (now < this.#heartbeatDue) return;
    this.#heartbeatDue = now + options.heartbeatTicks;
    this.replication.sendHeartbeats();
    this.#settleReads();
  }

  step(message: Message): void {
    switch (message.type) {
      case 'append-accepted':
        this.replication.accepted(message);
        this.#advanceCommit();
        this.#handOver();
        break;
      case 'append-rejected':
        this.replication.rejected(message);
        break;
      case 'heartbeat-response':
        this.replication.heartbeatAnswered(message);
        if (message.from === this.#transfer?.to) this.#handOver();
        this.#settleReads();
        break;
      case 'read-index-request':
        this.#reads.add({ from: message.from, read: message.read }, this.#server.now);
        break;
      default:
      // An answer to the campaign that came too late, or to another leader.
    }
  }

  stored(): void {
    this.#advanceCommit();
  }

  beforeReady(): void {
    // The read index is the commit index of now, which is at least that of when the read came.
    if (this.#reads.isWaiting && this.#hasCommittedInTerm) {
      const round = this.replication.sendHeartbeats();
      this.#reads.begin(round, this.#server.log.commitIndex);
      this.#settleReads();
    }
    this.replication.replicate();
  }

  end(): void {
    this.#transfer = undefined;
    for (const reader of this.#reads.abandon()) {
      // A follower sees by itself that its leader is gone.
      if ('id' in reader) this.#server.outbox.refuseRead({ id: reader.id, reason: 'leader-lost' });
    }
  }

  get transferringTo(): string | undefined {
    return this.#transfer?.to;
  }

  get uncommittedBytes(): number {
    return this.#uncommitted.bytes;
  }

  propose(commands: readonly Uint8Array[]): Proposal {
    const refusal = this.#refusal();
    if (refusal !== undefined) return { accepted: false, refusal };
    const bytes = bytesOf(commands.map((data) => ({ data })));
    if (!this.#uncommitted.hasRoomFor(bytes)) {
      const { maxUncommittedBytes: limit } = this.#server.options;
      return { accepted: false, refusal: { reason: 'too-much-in-flight', bytes: this.#uncommitted.bytes, limit } };
    }
    const proposal = this.#append('command', commands);
    this.#uncommitted.add(this.#server.log.lastIndex, bytes);
    return proposal;
  }

  changeMembership(changes: readonly MembershipChange[], options: ChangeOptions): Proposal {
    const { configuration } = this.#server.log;
    const refusal =
      this.#changeRefusal() ?? (isJoint(configuration) ? ({ reason: 'change-pending' } as const) : undefined);
    if (refusal !== undefined) return { accepted: false, refusal };
    const change = changedConfiguration(configuration, changes, options);
    if ('problem' in change) return { accepted: false, refusal: { reason: 'invalid', problem: change.problem } };
    return this.#appendConfiguration(change.next);
  }

  leaveJoint(): Proposal {
    const { configuration } = this.#server.log;
    const refusal = this.#changeRefusal();
    if (refusal !== undefined) return { accepted: false, refusal };
    if (!isJoint(configuration)) {
      return { accepted: false, refusal: { reason: 'invalid', problem: 'There is no joint configuration to leave.' } };
    }
    return this.#appendConfiguration(leftJoint(configuration));
  }

  transferLeadership(to: string): TransferStart {
    const { id, log, now, options } = this.#server;
    if (!log.configuration.voters.includes(to)) {
      return { accepted: false, refusal: { reason: 'invalid', problem: `${to} is not a voter.` } };
    }
    // Its own leader already: an earlier transfer is called off.
    if (to === id) this.#transfer = undefined;
    else if (this.#transfer?.to !== to) this.#transfer = { to, deadline: now + options.electionTicks };
    this.#handOver();
    return { accepted: true };
  }

  readIndex(id: number): void {
    this.#reads.add({ id }, this.#server.now);
  }

  /** The commit index, if no other leader can have been elected yet (thesis, section 6.4.1). */
  leaseReadIndex(): number | undefined {
    const { now, options, log } = this.#server;
    const { confirmedAt } = this.replication;
    if (!options.checkQuorum || this.#hasGivenUpLease || this.#transfer !== undefined || !this.#hasCommittedInTerm)
      return undefined;
    if (confirmedAt === undefined || now - confirmedAt >= options.electionTicks - options.leaseMarginTicks)
      return undefined;
    return log.commitIndex;
  }

  get #hasCommittedInTerm(): boolean {
    const { log, currentTerm } = this.#server;
    return log.termAt(log.commitIndex) === currentTerm;
  }

  #refusal(): Refusal | undefined {
    return this.#transfer && { reason: 'transferring', to: this.#transfer.to };
  }

  /**
   * One change at a time, and none before an entry of the own term is committed: otherwise two leaders could each commit by a majority of a
   * configuration that the other doesn't know (thesis, section 4.1, and the correction on raft-dev of July 2015).
   */
  #changeRefusal(): Refusal | undefined {
    const refusal = this.#refusal();
    if (refusal !== undefined) return refusal;
    if (!this.#hasCommittedInTerm) return { reason: 'term-not-committed' };
    return this.#server.log.isConfigurationCommitted ? undefined : { reason: 'change-pending' };
  }

  #append(kind: EntryKind, datas: readonly Uint8Array[]): Proposal & { readonly accepted: true } {
    const { log, currentTerm: term } = this.#server;
    const first = log.lastIndex + 1;
    for (const data of datas) {
      const entry: Entry = { index: log.lastIndex + 1, term, kind, data };
      log.append(entry);
    }
    return { accepted: true, term, first, last: log.lastIndex };
  }

  /** In force from now on, for replication and for the quorum, its own commit included. */
  #appendConfiguration(configuration: Configuration): Proposal {
    const proposal = this.#append('config', [encodeConfiguration(configuration)]);
    this.replication.syncPeers();
    if (this.#transfer !== undefined && !configuration.voters.includes(this.#transfer.to)) this.#transfer = undefined;
    this.#advanceCommit();
    return proposal;
  }

  /** Commits what a quorum has, if it is of the own term: an older entry could still be replaced (Raft paper, section 5.4.2 and figure 8). */
  #advanceCommit(): void {
    const { log, currentTerm } = this.#server;
    const index = this.replication.quorumMatch;
    if (index <= log.commitIndex || log.termAt(index) !== currentTerm) return;
    const wasCommitted = log.isConfigurationCommitted;
    log.commitTo(index);
    this.#uncommitted.committed(index);
    if (log.isConfigurationCommitted) this.#configurationCommitted(wasCommitted);
  }

  #configurationCommitted(before: boolean): void {
    const { log, id } = this.#server;
    if (!before) this.replication.syncPeers();
    if (leavesByItself(log.configuration)) this.#appendConfiguration(leftJoint(log.configuration));
    else if (!isVoter(log.configuration, id)) this.#resign();
  }

  /** Removed, or made a learner, by a configuration that is committed (thesis, section 4.2.2). Whoever has most is to take over at once. */
  #resign(): void {
    const { log, currentTerm } = this.#server;
    this.replication.replicate();
    const [successor] = [...log.configuration.voters].sort(
      (a, b) => this.replication.matchOf(b) - this.replication.matchOf(a),
    );
    if (successor !== undefined) this.#server.send(successor, { type: 'timeout-now' });
    this.#transitions.follow(currentTerm, undefined);
  }

  /** Tells the next leader to campaign once it has everything (thesis, section 3.10); more than once does no harm, and the first may be lost. */
  #handOver(): void {
    if (this.#transfer === undefined || this.replication.matchOf(this.#transfer.to) < this.#server.log.lastIndex)
      return;
    this.#hasGivenUpLease = true;
    this.#server.send(this.#transfer.to, { type: 'timeout-now' });
  }

  #settleReads(): void {
    const round = this.replication.confirmRounds();
    for (const { index, readers } of this.#reads.confirm(round)) {
      for (const reader of readers) this.#answer(reader, index);
    }
  }

  #refuse(reader: Reader): void {
    if ('id' in reader) this.#server.outbox.refuseRead({ id: reader.id, reason: 'timeout' });
    else this.#server.send(reader.from, { type: 'read-index-response', read: reader.read, index: undefined });
  }

  #answer(reader: Reader, index: number): void {
    if ('id' in reader) this.#server.outbox.answerRead({ id: reader.id, index });
    else this.#server.send(reader.from, { type: 'read-index-response', read: reader.read, index });
  }
}
