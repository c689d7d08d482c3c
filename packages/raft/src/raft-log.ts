import type { Entry, LogId } from '@raftlog/core';
import { type Configuration, decodeConfiguration, isVoter } from './configuration.ts';
import { RaftError } from './errors.ts';
import type { LogDescription, PlacedConfiguration } from './log-description.ts';
import { TermRuns } from './term-runs.ts';
import type { Writes } from './writes.ts';

/**
 * What the core knows of its log: where it begins and ends, its terms, the configurations in it, what is committed and what is durable. The entries
 * themselves pass through to the storage.
 */
export class RaftLog {
  readonly #terms: TermRuns;
  readonly #writes: Writes;
  /** Ascending. The first is that of the boundary or before, so there is always one. */
  readonly #configurations: PlacedConfiguration[];
  #commitIndex: number;
  #appliedIndex: number;
  /** Where the storage still holds damaged entries that the core doesn't count; cut off by the next write to the log. */
  #damagedFrom: number | undefined;

  constructor(description: LogDescription, appliedIndex: number, writes: Writes) {
    const { boundary, lastIndex, terms, configurations, damagedFrom } = description;
    this.#terms = new TermRuns(boundary, damagedFrom === undefined ? lastIndex : damagedFrom - 1, terms);
    this.#writes = writes;
    this.#configurations = [...configurations];
    this.#damagedFrom = damagedFrom;
    this.#appliedIndex = appliedIndex;
    // Only what is committed is ever applied or compacted away.
    this.#commitIndex = Math.min(Math.max(boundary.index, appliedIndex), this.lastIndex);
  }

  /** True as long as nothing has replaced the damaged end of the log in the storage. */
  get storesDamage(): boolean {
    return this.#damagedFrom !== undefined;
  }

  get boundary(): LogId {
    return this.#terms.boundary;
  }

  get lastIndex(): number {
    return this.#terms.lastIndex;
  }

  get last(): LogId {
    return this.#terms.last;
  }

  get storedIndex(): number {
    return this.#writes.storedIndex;
  }

  get commitIndex(): number {
    return this.#commitIndex;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** A state machine that keeps its own state must not be ahead of the log beside it: after a crash it would hold what the log doesn't. */
  get applicable(): number {
    return Math.min(this.#commitIndex, this.storedIndex);
  }

  /** The latest in the log, committed or not: a server uses it from the moment it is appended (thesis, section 4.1). */
  get configuration(): Configuration {
    return this.#latest.configuration;
  }

  get configurationIndex(): number {
    return this.#latest.index;
  }

  get isConfigurationCommitted(): boolean {
    return this.configurationIndex <= this.#commitIndex;
  }

  get #latest(): PlacedConfiguration {
    const latest = this.#configurations.at(-1);
    if (latest === undefined)
      throw new RaftError('INVARIANT_VIOLATED', 'The log has no configuration. Report this as a bug.');
    return latest;
  }

  /** The configuration as of an entry; of one before the boundary the oldest that is known. */
  configurationAt(index: number): Configuration {
    return (this.#configurations.findLast((placed) => placed.index <= index) ?? this.#configurations[0] ?? this.#latest)
      .configuration;
  }

  /** The last that is committed and those after it: any of them may turn out to be in force. */
  get openConfigurations(): readonly Configuration[] {
    const committed = this.#configurations.findLastIndex(({ index }) => index <= this.#commitIndex);
    return this.#configurations.slice(Math.max(committed, 0)).map(({ configuration }) => configuration);
  }

  /**
   * Whether a server may be needed as a leader. Also one that a configuration removes as long as that isn't committed: it may be the only one with it, and
   * the others can't elect anyone without its vote, which they don't get, for its log is longer (thesis, section 4.2.2).
   */
  isElectable(id: string): boolean {
    return this.openConfigurations.some((configuration) => isVoter(configuration, id));
  }

  termAt(index: number): number | undefined {
    return this.#terms.at(index);
  }

  /** Log matching (Raft paper, section 5.3): the same index and term, so the same log up to there. */
  matches({ index, term }: LogId): boolean {
    return this.#terms.at(index) === term;
  }

  /** Whether a log that ends there has all that is committed, if this one has (Raft paper, section 5.4.1). */
  isUpToDate(other: LogId): boolean {
    const { index, term } = this.last;
    return other.term > term || (other.term === term && other.index >= index);
  }

  /** The last place at or below `index` whose term is not above `term`: no later one can match (Raft paper, end of section 5.3, in both directions). */
  lastWithTermUpTo(term: number, index: number): LogId {
    const found = this.#terms.lastWithTermUpTo(term, index);
    return { index: found, term: this.#terms.at(found) ?? 0 };
  }

  append(entry: Entry): void {
    if (this.#damagedFrom !== undefined) {
      this.#writes.truncate(this.#damagedFrom);
      this.#damagedFrom = undefined;
    }
    if (entry.kind === 'config') {
      this.#configurations.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
    }
    this.#terms.append(entry.index, entry.term);
    this.#writes.append(entry);
  }

  /** Cuts off everything from `from` on; a configuration in there goes back to the one before it. */
  truncate(from: number): void {
    if (from <= this.#commitIndex) {
      throw new RaftError(
        'INVARIANT_VIOLATED',
        `The leader wants to replace entry ${from}, but everything up to ${this.#commitIndex} is committed here. ` +
          'Stop this server: a log of the cluster was lost or changed by other hands.',
      );
    }
    this.#terms.truncate(from);
    this.#writes.truncate(from);
    while (this.configurationIndex >= from) this.#configurations.pop();
  }

  commitTo(index: number): void {
    if (index > this.lastIndex) {
      throw new RaftError(
        'INVARIANT_VIOLATED',
        `Entry ${index} was acknowledged by this server, but its log ends at ${this.lastIndex}. ` +
          'Stop it: its log was lost. Remove it from the cluster and add it again under a new id.',
      );
    }
    this.#commitIndex = Math.max(this.#commitIndex, index);
  }

  applied(index: number): void {
    if (!Number.isSafeInteger(index) || index > this.applicable) {
      throw new RaftError(
        'INVALID_ARGUMENT',
        `Entry ${index} can't be applied: only those up to ${this.applicable} may be.`,
      );
    }
    this.#appliedIndex = Math.max(this.#appliedIndex, index);
  }

  /** Everything up to `boundary` was purged from the storage. */
  compact(boundary: LogId): void {
    if (boundary.index <= this.boundary.index) return;
    if (boundary.index > this.#appliedIndex || this.termAt(boundary.index) !== boundary.term) {
      throw new RaftError(
        'INVALID_ARGUMENT',
        `The log can't have been purged through ${boundary.index}: only applied entries may be.`,
      );
    }
    this.#terms.compact(boundary);
    const first = this.#configurations.findLastIndex(({ index }) => index <= boundary.index);
    this.#configurations.splice(0, Math.max(first, 0));
  }

  /** The log is replaced by a snapshot, which is durable. */
  reset(boundary: LogId, configuration: Configuration): void {
    this.#terms.reset(boundary);
    this.#writes.reset(boundary.index);
    this.#damagedFrom = undefined;
    this.#configurations.splice(0, this.#configurations.length, { index: boundary.index, configuration });
    this.#commitIndex = boundary.index;
  }
}
