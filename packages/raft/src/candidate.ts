import type { Message } from './message.ts';
import type { RoleBehaviour, Server, Transitions } from './server.ts';
import { Votes } from './votes.ts';

/** Which kind of campaign: asking for votes, asking for promises of votes, or asking for votes on the leader's behalf. */
export type Campaign = 'pre-vote' | 'vote' | 'transfer';

/** A server that campaigns (Raft paper, section 5.2), or asks whether it should (thesis, section 9.6). */
export class Candidate implements RoleBehaviour {
  readonly name: 'pre-candidate' | 'candidate';
  readonly #server: Server;
  readonly #transitions: Transitions;
  readonly #campaign: Campaign;
  readonly #votes = new Votes();

  constructor(server: Server, transitions: Transitions, campaign: Campaign) {
    this.#server = server;
    this.#transitions = transitions;
    this.#campaign = campaign;
    this.name = campaign === 'pre-vote' ? 'pre-candidate' : 'candidate';
  }

  begin(): void {
    const { id, log, currentTerm } = this.#server;
    const preVote = this.#isPreVote;
    const { voters, outgoing } = log.configuration;
    for (const voter of new Set([...voters, ...outgoing])) {
      if (voter === id) continue;
      this.#server.send(
        voter,
        { type: 'vote-request', preVote, lastLog: log.last, transfer: this.#campaign === 'transfer' },
        { term: preVote ? currentTerm + 1 : currentTerm },
      );
    }
    // A promise needs nothing durable; the own vote counts only once it is, in `stored`.
    if (preVote) this.#record(id, true);
  }

  tick(): void {
    if (this.#server.isElectionDue) this.#transitions.campaign(false);
  }

  step(message: Message): void {
    if (message.type !== 'vote-response' || message.preVote !== this.#isPreVote) return;
    // The grant of a pre-vote has the term that was asked for; one for another campaign is of no use.
    const { currentTerm } = this.#server;
    if (message.term !== (message.preVote && message.granted ? currentTerm + 1 : currentTerm)) return;
    this.#record(message.from, message.granted);
  }

  stored(): void {
    if (!this.#isPreVote && this.#server.writes.isHardStateStored) this.#record(this.#server.id, true);
  }

  readIndex(id: number): void {
    this.#server.outbox.refuseRead({ id, reason: 'no-leader' });
  }

  beforeReady(): void {}

  end(): void {}

  get #isPreVote(): boolean {
    return this.#campaign === 'pre-vote';
  }

  #record(voter: string, granted: boolean): void {
    this.#votes.record(voter, granted);
    const outcome = this.#votes.outcome(this.#server.log.configuration);
    if (outcome === 'lost') this.#transitions.follow(this.#server.currentTerm, undefined);
    if (outcome !== 'won') return;
    if (this.#isPreVote) this.#transitions.stand();
    else this.#transitions.lead();
  }
}
