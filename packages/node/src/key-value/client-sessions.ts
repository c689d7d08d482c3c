import type { SessionMark } from './codec.ts';

/** Results that one session may have open: more than a client has under way. */
const MAX_OPEN = 1_024;

/** A client's session, as it is kept in a snapshot. */
export interface ClientSession {
  readonly id: number;
  /** The client has the results of all commands below this one. */
  firstOpen: number;
  readonly results: Map<number, Uint8Array>;
}

/**
 * Remembers the results of commands, so that one that is proposed again is answered, not carried out (thesis, section 6.3). Part of the replicated state: the same
 * commands leave the same sessions on every node, and a snapshot holds them. So which session goes, where there are too many, follows from the log alone:
 * the one that was used longest ago.
 */
export class ClientSessions {
  readonly #limit: number;
  /** The one used longest ago first. */
  readonly #sessions = new Map<number, ClientSession>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The one used longest ago first. Copies, for they change with every command. */
  copy(): readonly ClientSession[] {
    return [...this.#sessions.values()].map((session) => ({ ...session, results: new Map(session.results) }));
  }

  clear(): void {
    this.#sessions.clear();
  }

  add(session: ClientSession): void {
    this.#sessions.set(session.id, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > this.#limit && oldest !== undefined) this.#sessions.delete(oldest);
  }

  /** Carries a command out, unless it was before; then its result is what it was. */
  once(
    { session: id, sequence, firstOpen }: SessionMark,
    run: () => Uint8Array,
  ): Uint8Array | 'session-expired' | 'stale' | 'too-many-open' {
    const session = this.#sessions.get(id);
    if (session === undefined) return 'session-expired';
    this.#use(session);
    // Late copies of earlier commands bring earlier marks.
    if (firstOpen > session.firstOpen) forgetBelow(session, firstOpen);
    if (sequence < session.firstOpen) return 'stale';
    const known = session.results.get(sequence);
    if (known !== undefined) return known;
    if (session.results.size >= MAX_OPEN) return 'too-many-open';
    const result = run();
    session.results.set(sequence, result);
    return result;
  }

  #use(session: ClientSession): void {
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }
}

function forgetBelow(session: ClientSession, firstOpen: number): void {
  session.firstOpen = firstOpen;
  for (const sequence of session.results.keys()) {
    if (sequence < firstOpen) session.results.delete(sequence);
  }
}
