import { type Entry, encodedEntryBytes, type LogId } from '@raftlog/core';

/** The three ways in which a log changes. Every call of the log store becomes one of them. */
export type LogChange =
  /** Remove every entry with an index `>= from`, then put `entries`. Appending is replacing nothing. */
  | { readonly type: 'replace'; readonly from: number; readonly entries: readonly Entry[] }
  | { readonly type: 'purge'; readonly through: LogId }
  | { readonly type: 'reset'; readonly boundary: LogId | undefined };

/** A log in memory: what the changes so far amount to. Checks nothing; its callers have. */
export class LogState {
  #boundary: LogId | undefined;
  #entries: Entry[] = [];
  #bytes = 0;

  get boundary(): LogId | undefined {
    return this.#boundary;
  }

  get firstIndex(): number {
    return (this.#boundary?.index ?? 0) + 1;
  }

  get lastIndex(): number {
    return this.firstIndex - 1 + this.#entries.length;
  }

  get lastLogId(): LogId | undefined {
    const last = this.#entries.at(-1);
    return last ? { index: last.index, term: last.term } : this.#boundary;
  }

  /** Encoded size of all entries. */
  get bytes(): number {
    return this.#bytes;
  }

  entry(index: number): Entry | undefined {
    // Guarded, because `at` counts a negative position from the end.
    return index < this.firstIndex ? undefined : this.#entries.at(index - this.firstIndex);
  }

  termAt(index: number): number | undefined {
    return index === this.#boundary?.index ? this.#boundary.term : this.entry(index)?.term;
  }

  /** The entries `first` to `last`; both exist. */
  range(first: number, last: number): Entry[] {
    return this.#entries.slice(first - this.firstIndex, last + 1 - this.firstIndex);
  }

  apply(change: LogChange): void {
    if (change.type === 'replace') {
      this.#forget(this.#entries.splice(change.from - this.firstIndex));
      for (const entry of change.entries) {
        this.#entries.push(entry);
        this.#bytes += encodedEntryBytes(entry);
      }
    } else if (change.type === 'purge') {
      this.#forget(this.#entries.splice(0, change.through.index - this.firstIndex + 1));
      this.#boundary = change.through;
    } else {
      this.#entries = [];
      this.#bytes = 0;
      this.#boundary = change.boundary;
    }
  }

  /** The same log, to be changed on its own; the entries are shared. */
  clone(): LogState {
    const copy = new LogState();
    copy.#boundary = this.#boundary;
    copy.#entries = this.#entries.slice();
    copy.#bytes = this.#bytes;
    return copy;
  }

  #forget(removed: readonly Entry[]): void {
    for (const entry of removed) this.#bytes -= encodedEntryBytes(entry);
  }
}
