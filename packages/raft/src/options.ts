import type { HardState } from '@raftlog/core';
import { RaftError } from './errors.ts';
import type { LogDescription } from './log-description.ts';

/** What a core is made from. */
export interface RaftOptions {
  /** This server's id, unique in the cluster for ever. */
  readonly id: string;
  /** As loaded from the storage; `undefined`: it never held one. */
  readonly hardState: HardState | undefined;
  /** What the storage holds of the log. See {@link LogDescriber}. */
  readonly log: LogDescription;
  /** Highest index that the state machine has applied, and keeps. Default: the log's boundary. */
  readonly appliedIndex?: number;
  /** A whole number, 0 or more and less than `below` (at most 2^32), each equally likely. Spreads the election timeouts (Raft paper, section 5.2). */
  readonly randomInt: (below: number) => number;

  /** Ticks without a leader before a server campaigns; each draws its own timeout from this to twice this. Default: 10. */
  readonly electionTicks?: number;
  /** Ticks between two heartbeats, well below `electionTicks`. Default: 1. */
  readonly heartbeatTicks?: number;
  /**
   * How much earlier than the shortest election timeout a lease ends: for clocks that run at different speeds, and one tick at least for ticks that don't
   * fall together. Default: a fifth of `electionTicks`, rounded up.
   */
  readonly leaseMarginTicks?: number;
  /** Ask before campaigning, so that a server that was cut off doesn't force an election when it is back (thesis, section 9.6). Default: true. */
  readonly preVote?: boolean;
  /**
   * A leader that a quorum doesn't answer steps down, and who hears from a leader doesn't vote (thesis, sections 6.2 and 4.2.3). Lease reads need it.
   * Default: true.
   */
  readonly checkQuorum?: boolean;

  /** Most bytes of entries in one append, a single larger entry excepted. Default: 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Most appends on their way to one peer. Default: 256. */
  readonly maxInFlightMessages?: number;
  /** Most bytes of entries on their way to one peer, a single larger append excepted. Default: 16 MiB. */
  readonly maxInFlightBytes?: number;
  /** Most bytes that may be proposed and not yet committed, a single larger proposal excepted. Default: 32 MiB. */
  readonly maxUncommittedBytes?: number;
}

/** {@link RaftOptions}, checked, with the defaults filled in. */
export type ResolvedOptions = Required<RaftOptions>;

/** Checks the options and fills in the defaults, or throws `INVALID_OPTION`. */
export function resolveOptions(options: RaftOptions): ResolvedOptions {
  const electionTicks = options.electionTicks ?? 10;
  const resolved: ResolvedOptions = {
    id: options.id,
    hardState: options.hardState,
    log: options.log,
    appliedIndex: options.appliedIndex ?? options.log.boundary.index,
    randomInt: options.randomInt,
    electionTicks,
    heartbeatTicks: options.heartbeatTicks ?? 1,
    leaseMarginTicks: options.leaseMarginTicks ?? Math.ceil(electionTicks / 5),
    preVote: options.preVote ?? true,
    checkQuorum: options.checkQuorum ?? true,
    maxMessageBytes: options.maxMessageBytes ?? 1024 * 1024,
    maxInFlightMessages: options.maxInFlightMessages ?? 256,
    maxInFlightBytes: options.maxInFlightBytes ?? 16 * 1024 * 1024,
    maxUncommittedBytes: options.maxUncommittedBytes ?? 32 * 1024 * 1024,
  };
  checkServer(resolved);
  checkTimeouts(resolved);
  checkLimits(resolved);
  return resolved;
}

function checkServer({ id, hardState, log, appliedIndex }: ResolvedOptions): void {
  if (typeof id !== 'string' || id === '') throw invalidOption('id', 'a string that is not empty');
  const lastTerm = log.terms.at(-1)?.term ?? log.boundary.term;
  if (lastTerm > (hardState?.currentTerm ?? 0)) {
    // A server's term is durable before its first entry of that term is.
    throw invalidOption(
      'hardState',
      `of a term not below ${lastTerm}, the last one in the log: it was lost, or is another server's`,
    );
  }
  if (!Number.isSafeInteger(appliedIndex) || appliedIndex < log.boundary.index || appliedIndex > log.lastIndex) {
    throw invalidOption(
      'appliedIndex',
      `within the log (${log.boundary.index} to ${log.lastIndex}), or the state machine is restored from a snapshot first`,
    );
  }
}

function checkTimeouts({ electionTicks, heartbeatTicks, leaseMarginTicks }: ResolvedOptions): void {
  checkPositive('heartbeatTicks', heartbeatTicks);
  checkPositive('electionTicks', electionTicks);
  checkPositive('leaseMarginTicks', leaseMarginTicks);
  if (electionTicks <= heartbeatTicks)
    throw invalidOption('electionTicks', 'above heartbeatTicks, by several times at best');
  if (leaseMarginTicks > electionTicks) throw invalidOption('leaseMarginTicks', 'at most electionTicks');
}

function checkLimits(options: ResolvedOptions): void {
  checkPositive('maxMessageBytes', options.maxMessageBytes);
  checkPositive('maxInFlightMessages', options.maxInFlightMessages);
  checkPositive('maxInFlightBytes', options.maxInFlightBytes);
  checkPositive('maxUncommittedBytes', options.maxUncommittedBytes);
}

function checkPositive(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw invalidOption(option, 'a whole number, 1 or more');
}

function invalidOption(option: string, expected: string): RaftError {
  return new RaftError('INVALID_OPTION', `The option ${option} must be ${expected}.`);
}
