import type { Entry, LogId } from '@raftlog/core';
import { membersOf, quorumValue } from './configuration.ts';
import { RaftError } from './errors.ts';
import { HeartbeatRounds } from './heartbeat-rounds.ts';
import type { AppendAccepted, AppendRejected, AppendRequest, HeartbeatResponse } from './message.ts';
import { address } from './outbox.ts';
import { Progress } from './progress.ts';
import type { AppendOrder, SnapshotOrder } from './ready.ts';
import type { Server } from './server.ts';
import type { PeerStatus } from './status.ts';
import { bytesOf } from './uncommitted.ts';

/** A leader's dealings with its peers: who has what, who gets what next, and who is still there. */
export class Replication {
  readonly #server: Server;
  readonly #peers = new Map<string, Progress>();
  readonly #rounds = new HeartbeatRounds();

  constructor(server: Server) {
    this.#server = server;
    this.syncPeers();
  }

  /** Tick at which the latest round was sent that a quorum has answered. */
  get confirmedAt(): number | undefined {
    return this.#rounds.confirmedAt;
  }

  /** The peers are the members, and those that the latest change removes until that is committed: so they learn that they were. */
  syncPeers(): void {
    const { id, log, now, options } = this.#server;
    const members = new Set(log.openConfigurations.flatMap((configuration) => [...membersOf(configuration)]));
    for (const [peer, progress] of this.#peers) {
      if (members.has(peer)) continue;
      this.#dismiss(peer, progress);
      this.#peers.delete(peer);
    }
    for (const member of members) {
      if (member !== id && !this.#peers.has(member))
        this.#peers.set(member, new Progress(options, log.lastIndex + 1, now));
    }
  }

  /** A last message, so that it learns that its removal is committed and doesn't campaign: whether all that is on its way arrives is its own check. */
  #dismiss(id: string, peer: Progress): void {
    if (peer.state !== 'replicate' || peer.next <= this.#server.log.boundary.index) return;
    this.#server.outbox.send(this.#appendRequest(id, peer, peer.next - 1, []));
  }

  matchOf(peer: string): number {
    return this.#peers.get(peer)?.match ?? 0;
  }

  /** Highest index that a quorum has durably, this server by the same measure as the others. */
  get quorumMatch(): number {
    const { id, log } = this.#server;
    return this.#quorum(
      (peer) => peer.match,
      (voter) => (voter === id ? log.storedIndex : 0),
    );
  }

  /** Tick since which a quorum was heard. */
  get quorumHeardAt(): number {
    const { id, now } = this.#server;
    return this.#quorum(
      (peer) => peer.heardAt,
      (voter) => (voter === id ? now : 0),
    );
  }

  /** Highest round that a quorum has answered. */
  get #quorumRound(): number {
    return this.#quorum(
      (peer) => peer.answeredRound,
      (voter) => (voter === this.#server.id ? this.#rounds.current : 0),
    );
  }

  #quorum(ofPeer: (peer: Progress) => number, otherwise: (voter: string) => number): number {
    return quorumValue(this.#server.log.configuration, (voter) => {
      const peer = voter === this.#server.id ? undefined : this.#peers.get(voter);
      return peer === undefined ? otherwise(voter) : ofPeer(peer);
    });
  }

  status(): ReadonlyMap<string, PeerStatus> {
    const entries = [...this.#peers].map(([id, peer]): [string, PeerStatus] => [
      id,
      {
        state: peer.state,
        matchIndex: peer.match,
        nextIndex: peer.next,
        inFlightMessages: peer.inFlightMessages,
        inFlightBytes: peer.inFlightBytes,
        silentTicks: this.#server.now - peer.heardAt,
      },
    ]);
    return new Map(entries);
  }

  /** Begins a round, and says which. */
  sendHeartbeats(): number {
    this.#rounds.begin(this.#server.now);
    const round = this.#rounds.current;
    for (const [to, peer] of this.#peers) {
      const commitIndex = this.#commitFor(peer);
      peer.toldCommit = Math.max(peer.toldCommit, commitIndex);
      this.#server.send(to, { type: 'heartbeat', round, commitIndex });
    }
    return round;
  }

  /** Takes stock of the answers: the highest round that a quorum has answered. */
  confirmRounds(): number {
    const round = this.#quorumRound;
    this.#rounds.confirm(round);
    return round;
  }

  accepted({ from, matchIndex }: AppendAccepted): void {
    const { log } = this.#server;
    if (matchIndex > log.lastIndex) {
      throw new RaftError(
        'INVARIANT_VIOLATED',
        `${from} acknowledges entry ${matchIndex}, but this leader's log ends at ${log.lastIndex}. ` +
          'Stop this server: it has lost entries in its own term, or two servers share an id.',
      );
    }
    this.#heard(from)?.accepted(matchIndex, log.boundary.index);
  }

  rejected({ from, rejectedIndex, hint }: AppendRejected): void {
    const { log } = this.#server;
    // The peer has said where its log may match by its terms; where it may by the leader's own lies at or below.
    const guess = log.lastWithTermUpTo(hint.term, hint.index).index + 1;
    this.#heard(from)?.rejected(rejectedIndex, guess);
  }

  heartbeatAnswered({ from, round, lostFrom }: HeartbeatResponse): void {
    if (round > this.#rounds.current) {
      // It would confirm reads that nobody has asked it about.
      throw new RaftError(
        'INVARIANT_VIOLATED',
        `${from} answers heartbeat ${round} of this term, but only ${this.#rounds.current} were sent. Stop this server: it answers for another term, or two servers share an id.`,
      );
    }
    const peer = this.#heard(from);
    if (peer === undefined) return;
    if (lostFrom !== undefined) peer.lost(lostFrom);
    peer.answeredRound = Math.max(peer.answeredRound, round);
    if (!peer.showedLife()) return;
    // An append or its answer was lost, perhaps: asking costs a message without entries, and a rejection starts a probe.
    if (peer.next > this.#server.log.boundary.index)
      this.#server.outbox.send(this.#appendRequest(from, peer, peer.next - 1, []));
    // What was on its way is compacted away: there is nothing left to ask with, and the window may be full.
    else peer.unreachable();
  }

  #heard(from: string): Progress | undefined {
    const peer = this.#peers.get(from);
    if (peer !== undefined) peer.heardAt = this.#server.now;
    return peer;
  }

  /** Sends, or orders, all that the windows allow. */
  replicate(): void {
    for (const [id, peer] of this.#peers) {
      this.#sendEntries(id, peer);
      this.#tellCommit(id, peer);
    }
  }

  #sendEntries(to: string, peer: Progress): void {
    const { log, outbox, options } = this.#server;
    // A probe asks whether the logs match, also where there is nothing to send after that.
    while (peer.room > 0 && (peer.next <= log.lastIndex || peer.state === 'probe')) {
      if (peer.next <= log.boundary.index) {
        this.#orderSnapshot(to, peer);
        return;
      }
      const maxBytes = Math.min(options.maxMessageBytes, peer.room);
      const entries = this.#pendingFrom(peer.next, maxBytes);
      if (entries.length > 0 || peer.next > log.lastIndex) {
        outbox.send(this.#append(to, peer, entries));
      } else {
        peer.awaitEntries(outbox.orderAppend({ to, first: peer.next, last: log.lastIndex, maxBytes }));
      }
    }
  }

  /** Entries that go out with the next write needn't be read back. At least one, if `first` is among them. */
  #pendingFrom(first: number, maxBytes: number): readonly Entry[] {
    const pending = this.#server.writes.pendingEntries;
    const start = first - (pending[0]?.index ?? Number.POSITIVE_INFINITY);
    if (start < 0) return [];
    let end = start;
    let bytes = 0;
    for (const entry of pending.slice(start)) {
      bytes += bytesOf([entry]);
      if (bytes > maxBytes && end > start) break;
      end++;
    }
    return pending.slice(start, end);
  }

  #orderSnapshot(to: string, peer: Progress): void {
    const { now, options, outbox } = this.#server;
    // Not for one that may be gone: it will show when it is back.
    if (now - peer.heardAt < options.electionTicks) peer.awaitSnapshot(outbox.orderSnapshot(to));
  }

  /**
   * The message for an order, or `undefined` if the order is void. The entries are those of this leader's log as it is now: it has appended since, but never cut
   * anything off in its own term (leader append-only; Raft paper, figure 3), and an order of an earlier term is void.
   */
  fill(order: AppendOrder, entries: readonly Entry[] | undefined): AppendRequest | undefined {
    const peer = this.#peers.get(order.to);
    if (peer === undefined || !peer.fulfils(order)) return undefined;
    if (
      entries === undefined ||
      entries[0]?.index !== peer.next ||
      this.#server.log.termAt(peer.next - 1) === undefined
    ) {
      // Unreadable, or compacted away since.
      peer.readFailed();
      return undefined;
    }
    return this.#append(order.to, peer, entries);
  }

  #append(to: string, peer: Progress, entries: readonly Entry[]): AppendRequest {
    const request = this.#appendRequest(to, peer, peer.next - 1, entries);
    peer.sent(request.previous.index + entries.length, bytesOf(entries));
    return request;
  }

  #appendRequest(to: string, peer: Progress, previousIndex: number, entries: readonly Entry[]): AppendRequest {
    const { id, log, currentTerm } = this.#server;
    const previous: LogId = { index: previousIndex, term: log.termAt(previousIndex) ?? 0 };
    const { commitIndex } = log;
    peer.toldCommit = Math.max(peer.toldCommit, Math.min(commitIndex, previousIndex + entries.length));
    return address(id, to, currentTerm, { type: 'append-request', previous, entries, commitIndex }) as AppendRequest;
  }

  /** At most what the peer has acknowledged: so it needs no check, and no answer. */
  #commitFor(peer: Progress): number {
    return Math.min(peer.match, this.#server.log.commitIndex);
  }

  #tellCommit(to: string, peer: Progress): void {
    const commitIndex = this.#commitFor(peer);
    if (commitIndex <= peer.toldCommit) return;
    peer.toldCommit = commitIndex;
    this.#server.send(to, { type: 'commit-notice', commitIndex });
  }

  snapshotSent(order: SnapshotOrder, lastIncluded: LogId | undefined): void {
    this.#peers.get(order.to)?.snapshotEnded(order, lastIncluded?.index);
  }

  unreachable(peer: string): void {
    this.#peers.get(peer)?.unreachable();
  }
}
