import type { Entry, LogId } from '@raftlog/core';
import type { Chain, EntryChains } from './entry-chain.ts';

/** A change of a log, as a storage engine is asked for it. */
export type LogChange =
  | { readonly kind: 'write'; readonly truncateFrom: number | undefined; readonly entries: readonly Entry[] }
  | { readonly kind: 'purge'; readonly through: LogId }
  | { readonly kind: 'reset'; readonly boundary: LogId | undefined };

interface MirroredEntry {
  readonly entry: Entry;
  readonly chain: Chain | undefined;
}

const ORIGIN: LogId = { index: 0, term: 0 };

/** What one node's log holds, as the simulation sees it from outside. */
export class LogMirror {
  readonly #node: string;
  readonly #chains: EntryChains;
  #boundary: LogId = ORIGIN;
  #entries: MirroredEntry[] = [];

  constructor(node: string, chains: EntryChains) {
    this.#node = node;
    this.#chains = chains;
  }

  get boundary(): LogId {
    return this.#boundary;
  }

  get lastIndex(): number {
    return this.#boundary.index + this.#entries.length;
  }

  get last(): LogId {
    return this.#entries.at(-1)?.entry ?? this.#boundary;
  }

  get entries(): readonly Entry[] {
    return this.#entries.map(({ entry }) => entry);
  }

  entry(index: number): Entry | undefined {
    return this.#entries[index - this.#boundary.index - 1]?.entry;
  }

  /** Also of the boundary. */
  termAt(index: number): number | undefined {
    return index === this.#boundary.index ? this.#boundary.term : this.entry(index)?.term;
  }

  /** Also of the boundary; `undefined` where there is no such entry, or what comes before it isn't known. */
  chainAt(index: number): Chain | undefined {
    if (index === this.#boundary.index) return this.#chains.of(this.#boundary);
    return this.#entries[index - this.#boundary.index - 1]?.chain;
  }

  apply(change: LogChange): void {
    switch (change.kind) {
      case 'write':
        if (change.truncateFrom !== undefined) this.#truncate(change.truncateFrom);
        for (const entry of change.entries) this.#append(entry);
        return;
      case 'purge':
        this.#purge(change.through);
        return;
      case 'reset':
        this.#boundary = change.boundary ?? ORIGIN;
        this.#entries = [];
    }
  }

  clone(): LogMirror {
    const copy = new LogMirror(this.#node, this.#chains);
    copy.#boundary = this.#boundary;
    copy.#entries = this.#entries.slice();
    return copy;
  }

  /** Whether both hold the same. */
  equals(other: LogMirror): boolean {
    const { index, term } = this.last;
    if (index !== other.last.index || term !== other.last.term) return false;
    if (this.#boundary.index !== other.boundary.index || this.#boundary.term !== other.boundary.term) return false;
    return this.chainAt(index) === other.chainAt(index);
  }

  #append(entry: Entry): void {
    const chain = this.#chains.extend(this.chainAt(entry.index - 1), entry, this.#node);
    this.#entries.push({ entry, chain });
  }

  #truncate(from: number): void {
    const length = from - this.#boundary.index - 1;
    if (length < this.#entries.length) this.#entries.length = Math.max(0, length);
  }

  #purge(through: LogId): void {
    if (through.index <= this.#boundary.index) return;
    this.#entries = this.#entries.slice(through.index - this.#boundary.index);
    this.#boundary = { index: through.index, term: through.term };
  }
}
