/** Names of what must hold. Raft's own properties as in figure 3 of the Raft paper; the others are what they rest on here. */
export type Invariant =
  /** At most one leader in a term. */
  | 'election-safety'
  /** Two logs that hold the same index and term are equal up to there. */
  | 'log-matching'
  /** What is committed is in the log of every later leader. */
  | 'leader-completeness'
  /** No two nodes apply different commands at one index, nor get different results or states from the same ones. */
  | 'state-machine-safety'
  /** A leader never overwrites or deletes entries of its own log. */
  | 'leader-append-only'
  /** A node votes for one candidate in a term, whatever crashes in between. */
  | 'one-vote-per-term'
  /** A node's term never falls, whatever crashes in between. */
  | 'term-monotonic'
  /** Applied is at most committed is at most the end of the log; none of them falls while the node runs. */
  | 'commit-order'
  /** Nothing leaves a node, and nothing is applied, that rests on what its disk may still forget. */
  | 'durable-before-use'
  /** A leader has at most one membership change that isn't committed. */
  | 'one-change-at-a-time'
  /** A snapshot holds the state as of the entry it is labelled with. */
  | 'snapshot-label'
  /** Clients can't tell the cluster from a single store that does one thing after the other. */
  | 'linearizability'
  /** A read says what was written, even one that may be old. */
  | 'read-validity'
  /** Once the faults are over, a leader is found, proposals are committed, and all members catch up. */
  | 'liveness'
  /** The storage holds after a crash what it had acknowledged. */
  | 'storage-durability'
  /** A node asks nothing of its storage that the contract refuses. */
  | 'storage-contract'
  /** No node throws into its transport or its timers, leaves a promise unhandled, or stops without the disk's fault. */
  | 'no-crash';

/** Something that must hold didn't. */
export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;
  /** Milliseconds of virtual time. */
  readonly at: number;
}

/** Collects violations: the first one ends a run. */
export class Violations {
  readonly #now: () => number;
  readonly #ignored: readonly Invariant[];
  #first: Violation | undefined;

  /** `ignored`: invariants that may be broken. */
  constructor(now: () => number, ignored: readonly Invariant[] = []) {
    this.#now = now;
    this.#ignored = ignored;
  }

  get first(): Violation | undefined {
    return this.#first;
  }

  report(invariant: Invariant, message: string): void {
    if (this.#ignored.includes(invariant)) return;
    this.#first ??= { invariant, message, at: this.#now() };
  }
}
