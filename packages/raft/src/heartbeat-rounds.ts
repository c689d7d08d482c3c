/**
 * Counts the heartbeats of one leader. Who answers a round shows that it hadn't left the term when the round was sent; a quorum's answers show that there was
 * no later leader then.
 */
export class HeartbeatRounds {
  #current = 0;
  #confirmedAt: number | undefined;
  /** When the rounds were sent that no quorum has answered yet; ascending. */
  #open: { readonly round: number; readonly sentAt: number }[] = [];

  get current(): number {
    return this.#current;
  }

  /** Tick at which the latest round was sent that a quorum has answered: from then on runs the lease (thesis, section 6.4.1). */
  get confirmedAt(): number | undefined {
    return this.#confirmedAt;
  }

  begin(now: number): void {
    this.#current++;
    this.#open.push({ round: this.#current, sentAt: now });
  }

  /** A quorum has answered this round, or a later one. */
  confirm(round: number): void {
    const confirmed = this.#open.findLast((open) => open.round <= round);
    if (confirmed === undefined) return;
    this.#confirmedAt = confirmed.sentAt;
    this.#open = this.#open.filter((open) => open.round > round);
  }
}
