import type { Entry, HardState, LogId } from '@raftlog/core';
import { type Configuration, LogDescriber, type LogDescription, type Write } from '../../src/index.ts';

/** A snapshot: what the state machine had applied, as the list of the applied entries. */
export interface TestSnapshot {
  readonly lastIncluded: LogId;
  readonly configuration: Configuration;
  readonly applied: readonly Entry[];
}

interface Contents {
  hardState: HardState | undefined;
  boundary: LogId;
  entries: readonly Entry[];
}

const NOTHING: LogId = { index: 0, term: 0 };

/**
 * The storage of one server as plain arrays: what was accepted, and what is durable. A crash goes back to what is durable, after as many of the open writes
 * as the test says.
 */
export class TestStorage {
  readonly #initial: Configuration;
  #accepted: Contents = { hardState: undefined, boundary: NOTHING, entries: [] };
  #durable: Contents = this.#accepted;
  #open: ({ readonly id: number } & { readonly after: Contents })[] = [];
  #snapshot: TestSnapshot | undefined;
  /** Entries that can't be read. */
  readonly #damagedEntries = new Set<Entry>();
  /** What a host keeps durably until its core says that the log is whole: where it ended when the damage was found. */
  #damagedThrough: number | undefined;

  constructor(initial: Configuration) {
    this.#initial = initial;
  }

  get snapshot(): TestSnapshot | undefined {
    return this.#snapshot;
  }

  get hardState(): HardState | undefined {
    return this.#durable.hardState;
  }

  get boundary(): LogId {
    return this.#accepted.boundary;
  }

  get entries(): readonly Entry[] {
    return this.#accepted.entries;
  }

  get lastIndex(): number {
    return this.boundary.index + this.entries.length;
  }

  get openWrites(): number {
    return this.#open.length;
  }

  entry(index: number): Entry | undefined {
    return this.entries[index - this.boundary.index - 1];
  }

  /** Whether a power cut would leave this entry, or a snapshot that includes it. */
  isDurable(index: number, term: number): boolean {
    if (index <= (this.#snapshot?.lastIncluded.index ?? 0)) return true;
    const { boundary, entries } = this.#durable;
    return entries[index - boundary.index - 1]?.term === term;
  }

  read(first: number, last: number, maxBytes: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (const entry of this.entries) {
      if (entry.index < first || entry.index > last) continue;
      bytes += entry.data.byteLength + 12;
      if (bytes > maxBytes && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  /** The contract of `StorageEngine.write`, refusals included. */
  write({ id, hardState, truncateFrom, entries }: Write): void {
    const { boundary } = this.#accepted;
    let log = this.#accepted.entries;
    if (hardState !== undefined) checkHardState(this.#accepted.hardState, hardState);
    if (truncateFrom !== undefined) {
      if (truncateFrom <= boundary.index) throw new Error(`truncation at ${truncateFrom}, below the boundary`);
      log = log.slice(0, truncateFrom - boundary.index - 1);
    }
    for (const entry of entries) {
      if (entry.index !== boundary.index + log.length + 1) throw new Error(`entry ${entry.index} leaves a gap`);
      if (entry.term < (log.at(-1)?.term ?? boundary.term)) throw new Error(`entry ${entry.index} has a falling term`);
      log = [...log, entry];
    }
    this.#accepted = { hardState: hardState ?? this.#accepted.hardState, boundary, entries: log };
    this.#open.push({ id, after: this.#accepted });
  }

  /** Makes the oldest open write durable, and says which it was. */
  storeNext(): number | undefined {
    const write = this.#open.shift();
    if (write === undefined) return undefined;
    // A purge or reset may have come in between: these are durable at once here.
    this.#durable = { ...write.after, ...withoutPurged(write.after, this.#durable.boundary) };
    return write.id;
  }

  saveSnapshot(snapshot: TestSnapshot): void {
    if (snapshot.lastIncluded.index > (this.#snapshot?.lastIncluded.index ?? 0)) this.#snapshot = snapshot;
  }

  purge(boundary: LogId): void {
    this.#accepted = { ...this.#accepted, ...withoutPurged(this.#accepted, boundary) };
    this.#durable = { ...this.#durable, ...withoutPurged(this.#durable, boundary) };
    this.#open = this.#open.map(({ id, after }) => ({ id, after: { ...after, ...withoutPurged(after, boundary) } }));
  }

  reset(boundary: LogId): void {
    const empty = { boundary, entries: [] };
    this.#accepted = { ...this.#accepted, ...empty };
    this.#durable = { ...this.#durable, ...empty };
    this.#open = this.#open.map(({ id, after }) => ({ id, after: { ...after, ...empty } }));
  }

  /** The power goes: what isn't durable is gone. */
  crash(): void {
    this.#open = [];
    this.#accepted = this.#durable;
  }

  get isDamaged(): boolean {
    return this.#damagedThrough !== undefined;
  }

  /** While the server is down: the log can't be read from here on. */
  damageFrom(index: number): void {
    const entries = this.#durable.entries.map((entry) => (entry.index < index ? entry : { ...entry }));
    for (const entry of entries) if (entry.index >= index) this.#damagedEntries.add(entry);
    this.#durable = { ...this.#durable, entries };
    this.#accepted = this.#durable;
    this.#damagedThrough = Math.max(this.lastIndex, this.#damagedThrough ?? 0);
  }

  /** The core says that the log is whole. */
  healed(): void {
    this.#damagedThrough = undefined;
  }

  /** What a host does at the start: the install of a snapshot is redone if it was cut short; then the log is described. */
  describe(): LogDescription {
    const { lastIncluded, configuration } = this.#snapshot ?? { lastIncluded: NOTHING, configuration: this.#initial };
    const here = lastIncluded.index === this.boundary.index ? this.boundary.term : this.entry(lastIncluded.index)?.term;
    if (lastIncluded.index > this.boundary.index && here !== lastIncluded.term) this.reset(lastIncluded);
    const describer = new LogDescriber(this.boundary, configuration);
    const from = this.entries.find((entry) => this.#damagedEntries.has(entry))?.index ?? this.lastIndex + 1;
    for (const entry of this.entries) if (entry.index < from) describer.add(entry);
    const lastIndex = this.#damagedThrough ?? 0;
    if (lastIndex < from) this.#damagedThrough = undefined;
    return describer.describe(lastIndex < from ? undefined : { from, lastIndex });
  }
}

function checkHardState(before: HardState | undefined, after: HardState): void {
  if (before === undefined || after.currentTerm > before.currentTerm) return;
  const isKept = before.votedFor === undefined || before.votedFor === after.votedFor;
  if (after.currentTerm < before.currentTerm || !isKept) throw new Error('a term fell, or a vote changed');
}

function withoutPurged({ boundary, entries }: Contents, purged: LogId): Pick<Contents, 'boundary' | 'entries'> {
  if (purged.index <= boundary.index) return { boundary, entries };
  return { boundary: purged, entries: entries.filter(({ index }) => index > purged.index) };
}
