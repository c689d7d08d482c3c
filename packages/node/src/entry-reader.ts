import type { Entry, LogStore } from '@raftlog/core';
import type { AppendOrder } from '@raftlog/raft';
import type { LogWriter } from './log-writer.ts';

/** What an {@link EntryReader} needs. */
export interface EntryReaderEvents {
  /** The entries of an order; `undefined`: they could not be read. */
  read(order: AppendOrder, entries: readonly Entry[] | undefined): void;
  failed(error: unknown): void;
}

/** Reads from the storage what a leader sends to its peers. */
export class EntryReader {
  readonly #log: LogStore;
  readonly #writer: LogWriter;
  readonly #events: EntryReaderEvents;

  constructor(log: LogStore, writer: LogWriter, events: EntryReaderEvents) {
    this.#log = log;
    this.#writer = writer;
    this.#events = events;
  }

  async read(order: AppendOrder): Promise<void> {
    this.#events.read(order, await this.#entriesOf(order));
  }

  async #entriesOf({ first, last, maxBytes }: AppendOrder): Promise<readonly Entry[] | undefined> {
    try {
      // Entries that still wait for the engine can't be read from it yet.
      await this.#writer.handedOver();
      return await this.#log.getEntries(first, last, { maxBytes });
    } catch (error) {
      this.#events.failed(error);
      return undefined;
    }
  }
}
