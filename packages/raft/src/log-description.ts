import type { Entry, LogId } from '@raftlog/core';
import { type Configuration, decodeConfiguration } from './configuration.ts';

/** Entries of one term that follow each other. */
export interface TermRun {
  readonly first: number;
  readonly term: number;
}

/** A configuration and the entry that brought it; index 0 is that of a new cluster. */
export interface PlacedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}

/** What a core needs to know of the log in the storage. {@link LogDescriber} makes one. */
export interface LogDescription {
  /** The log continues after it: the engine's purge boundary. `{ index: 0, term: 0 }`: nothing was purged. */
  readonly boundary: LogId;
  readonly lastIndex: number;
  /** The terms of all entries after the boundary, ascending. */
  readonly terms: readonly TermRun[];
  /** The one as of the boundary first, then those in the log. */
  readonly configurations: readonly PlacedConfiguration[];
  /**
   * First index that can't be read, after the engine was opened with `onCorruption: 'salvage'`. The core takes the log to end before it, lets the
   * leader replace everything from there on, and neither votes nor campaigns until everything up to `lastIndex` is back, which this server may have
   * acknowledged. Its first write cuts the damage off, after which the engine doesn't know of it any more: so the host keeps `lastIndex` durably, and
   * describes the log with it again after a restart, until `Status.damaged` is false.
   */
  readonly damagedFrom?: number;
}

/**
 * Describes the log of a server that starts: all that a core keeps of it. The host streams the entries through it once.
 *
 * @example
 * ```ts
 * const describer = new LogDescriber(logStore.purgeBoundary, configurationOfSnapshot);
 * for await (const entry of logStore.entries()) describer.add(entry);
 * const core = new RaftCore({ id, hardState, log: describer.describe(), randomInt });
 * ```
 */
export class LogDescriber {
  readonly #boundary: LogId;
  readonly #terms: TermRun[] = [];
  readonly #configurations: PlacedConfiguration[];
  #lastIndex: number;
  #lastTerm = 0;

  /** `configuration` is that of the snapshot at the boundary; where there is none, that which all servers of a new cluster are given. */
  constructor(boundary: LogId | undefined, configuration: Configuration) {
    this.#boundary = boundary ?? { index: 0, term: 0 };
    this.#lastIndex = this.#boundary.index;
    this.#configurations = [{ index: this.#boundary.index, configuration }];
  }

  /** The next entry. Only its index, term and, of a configuration, its data are looked at. Throws `MALFORMED_CONFIGURATION`. */
  add(entry: Entry): void {
    if (entry.kind === 'config') {
      this.#configurations.push({ index: entry.index, configuration: decodeConfiguration(entry.data) });
    }
    if (entry.term !== this.#lastTerm) this.#terms.push({ first: entry.index, term: entry.term });
    this.#lastTerm = entry.term;
    this.#lastIndex = entry.index;
  }

  /** `damage` describes a log of which only the entries before `from` could be added; `lastIndex` is the engine's when the damage was found. */
  describe(damage?: { readonly from: number; readonly lastIndex: number }): LogDescription {
    return {
      boundary: this.#boundary,
      lastIndex: damage?.lastIndex ?? this.#lastIndex,
      terms: [...this.#terms],
      configurations: [...this.#configurations],
      ...(damage && { damagedFrom: damage.from }),
    };
  }
}
