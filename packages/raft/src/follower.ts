import type { Entry } from '@raftlog/core';
import type { AppendRequest, Heartbeat, Message, ReadIndexResponse } from './message.ts';
import type { RoleBehaviour, Server, Transitions } from './server.ts';

/** A server that takes what the leader sends (Raft paper, section 5.3), or waits for one. */
export class Follower implements RoleBehaviour {
  readonly name = 'follower';
  readonly #server: Server;
  readonly #transitions: Transitions;
  readonly #leader: string | undefined;
  /** Reads that were forwarded, and when. */
  readonly #reads = new Map<number, number>();

  constructor(server: Server, transitions: Transitions, leader: string | undefined) {
    this.#server = server;
    this.#transitions = transitions;
    this.#leader = leader;
  }

  begin(): void {}

  tick(): void {
    this.#giveUpOldReads();
    if (this.#server.isElectionDue || this.#server.isAlone) this.#transitions.campaign(false);
  }

  step(message: Message): void {
    switch (message.type) {
      case 'append-request':
        this.#append(message);
        break;
      case 'heartbeat':
        this.#commitTo(message.commitIndex);
        this.#answerHeartbeat(message);
        break;
      case 'commit-notice':
        this.#commitTo(message.commitIndex);
        break;
      case 'timeout-now':
        // The leader has seen to it that this log is whole: no pre-vote, and no waiting for the others to give the leader up.
        this.#transitions.campaign(true);
        break;
      case 'read-index-request':
        this.#server.send(message.from, { type: 'read-index-response', read: message.read, index: undefined });
        break;
      case 'read-index-response':
        this.#takeReadIndex(message);
        break;
      default:
      // An answer that comes too late.
    }
  }

  stored(): void {}

  readIndex(id: number): void {
    const { outbox, session, now } = this.#server;
    if (this.#leader === undefined) {
      outbox.refuseRead({ id, reason: 'no-leader' });
      return;
    }
    this.#reads.set(id, now);
    this.#server.send(this.#leader, { type: 'read-index-request', read: { id, session } });
  }

  beforeReady(): void {}

  end(): void {
    for (const id of this.#reads.keys()) this.#server.outbox.refuseRead({ id, reason: 'leader-lost' });
  }

  /** The leader of the term in which a log was damaged counts on what was acknowledged, and would never send it again. */
  #answerHeartbeat({ from, round }: Heartbeat): void {
    const { isDamaged, log } = this.#server;
    const lost = isDamaged ? { lostFrom: log.lastIndex + 1 } : {};
    this.#server.send(from, { type: 'heartbeat-response', round, ...lost });
  }

  /** AppendEntries, receiver implementation (Raft paper, figure 2). */
  #append(request: AppendRequest): void {
    const { previous, entries, from } = request;
    const { log } = this.#server;
    // Below the commit index the logs are equal, and what is compacted away could not be compared.
    if (previous.index >= log.commitIndex && !log.matches(previous)) {
      const hint = log.lastWithTermUpTo(previous.term, previous.index);
      this.#server.send(from, { type: 'append-rejected', rejectedIndex: previous.index, hint });
      return;
    }
    this.#store(entries);
    const end = Math.max(previous.index + entries.length, log.commitIndex);
    log.commitTo(Math.min(request.commitIndex, end));
    this.#accept(from, end);
  }

  /**
   * Appends what isn't there yet. Cuts off only where an entry conflicts, not behind the last one: the message may be an old one, and what follows
   * in the log already acknowledged (Raft paper, section 5.3).
   */
  #store(entries: readonly Entry[]): void {
    const { log } = this.#server;
    const position = entries.findIndex(({ index, term }) => index > log.boundary.index && log.termAt(index) !== term);
    const first = entries[position];
    if (first === undefined) return;
    if (first.index <= log.lastIndex) log.truncate(first.index);
    for (const entry of entries.slice(position)) log.append(entry);
  }

  #accept(leader: string, matchIndex: number): void {
    this.#server.confirm(matchIndex);
    this.#server.send(leader, { type: 'append-accepted', matchIndex }, { vouchesFor: matchIndex });
  }

  #commitTo(index: number): void {
    const { log, isDamaged } = this.#server;
    // The leader knows what this server has acknowledged. One whose log is known to be damaged commits what is left of it.
    log.commitTo(isDamaged ? Math.min(index, log.lastIndex) : index);
  }

  #takeReadIndex({ read, index }: ReadIndexResponse): void {
    const { outbox, session } = this.#server;
    if (read.session !== session || !this.#reads.delete(read.id)) return;
    if (index === undefined) outbox.refuseRead({ id: read.id, reason: 'leader-lost' });
    else outbox.answerRead({ id: read.id, index });
  }

  /** Request or answer may be lost, and nobody else would notice. */
  #giveUpOldReads(): void {
    const { outbox, now, options } = this.#server;
    for (const [id, since] of this.#reads) {
      if (now - since < options.electionTicks) continue;
      this.#reads.delete(id);
      outbox.refuseRead({ id, reason: 'timeout' });
    }
  }
}
