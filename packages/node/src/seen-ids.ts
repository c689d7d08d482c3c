/** How far back ids are remembered; more than a node ever has under way. */
const WINDOW = 16_384;

/** How many of a peer's sessions are remembered: it has a new one each time that it starts. */
const MAX_SESSIONS = 16;

/** Which of one session's ascending ids have come. Those too old to tell count as seen. */
class IdWindow {
  readonly #seen = new Set<number>();
  #highest = 0;

  /** True the first time. */
  add(id: number): boolean {
    if (id <= this.#highest - WINDOW || this.#seen.has(id)) return false;
    const newHighest = Math.max(id, this.#highest);
    // Who hears of a session late begins far from 0: what lies between was never held.
    if (newHighest - this.#highest >= WINDOW) this.#seen.clear();
    else for (let old = this.#highest - WINDOW + 1; old <= newHighest - WINDOW; old++) this.#seen.delete(old);
    this.#seen.add(id);
    this.#highest = newHighest;
    return true;
  }
}

/** Remembers which forwarded proposals have come, so that the copy of one that the network makes is not proposed again. */
export class SeenIds {
  readonly #peers = new Map<string, Map<number, IdWindow>>();

  /** True the first time. */
  add(peer: string, session: number, id: number): boolean {
    const sessions = this.#peers.get(peer) ?? new Map<number, IdWindow>();
    this.#peers.set(peer, sessions);
    const window = sessions.get(session) ?? new IdWindow();
    sessions.set(session, window);
    const [oldest] = sessions.keys();
    if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
    return window.add(id);
  }
}
