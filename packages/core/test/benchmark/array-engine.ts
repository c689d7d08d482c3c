import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { StorageEngineBuilder } from '../../src/conformance/builder.ts';
import type { Durability, Entry, LogId, LogStore, StorageEngine } from '../../src/index.ts';

/** How an {@link ArrayBuilder}'s engines behave. */
export interface ArrayEngineOptions {
  readonly durability?: Durability;
  /** Each `persistEntries` takes this long. */
  readonly persistMs?: number;
  /** Each `persistEntries` keeps the event loop for this long. */
  readonly blockMs?: number;
  /** `getEntries` leaves out the last entry. */
  readonly loseLast?: boolean;
}

/** Keeps entries in an array that outlives the engine, so that it can pass for a persistent one. No checks, no crash safety. */
export class ArrayBuilder implements StorageEngineBuilder {
  readonly parent: string = mkdtempSync(join(tmpdir(), 'raftlog-benchmark-test-'));
  readonly directory: string = join(this.parent, 'store');
  open = 0;
  cleanups = 0;
  #entries: Entry[] = [];
  #boundary: LogId | undefined;
  readonly #options: ArrayEngineOptions;

  constructor(options: ArrayEngineOptions = {}) {
    this.#options = options;
  }

  async build(): Promise<StorageEngine> {
    mkdirSync(this.directory, { recursive: true });
    this.open++;
    const durability = this.#options.durability ?? 'sync';
    const engine: Partial<StorageEngine> = {
      logStore: this.#logStore(),
      capabilities: {
        adaptor: 'array',
        durability,
        exclusive: false,
        salvage: false,
        maxEntryBytes: 2 ** 26,
        maxPendingBytes: 2 ** 26,
      },
      close: async () => {
        this.open--;
      },
    };
    return engine as StorageEngine;
  }

  async cleanup(): Promise<void> {
    if (this.open !== 0) throw new Error('cleanup was called while an engine was open');
    this.cleanups++;
    this.#entries = [];
    this.#boundary = undefined;
  }

  get entriesLeft(): number {
    return this.#entries.length;
  }

  dispose(): void {
    rmSync(this.parent, { recursive: true, force: true });
  }

  #logStore(): LogStore {
    const self = this;
    const before = (): number => self.#boundary?.index ?? 0;
    const log: Partial<LogStore> = {
      get firstIndex() {
        return before() + 1;
      },
      get lastIndex() {
        return before() + self.#entries.length;
      },
      async persistEntries(entries) {
        if (entries[0]?.index !== before() + self.#entries.length + 1) throw new Error('not the next index');
        for (const entry of entries) self.#entries.push({ ...entry });
        const { persistMs, blockMs } = self.#options;
        const blockedUntil = performance.now() + (blockMs ?? 0);
        while (performance.now() < blockedUntil);
        if (persistMs !== undefined) await setTimeout(persistMs);
      },
      async entry(index) {
        return self.#entries[index - before() - 1];
      },
      async getEntries(first, last) {
        const end = last - before() - (self.#options.loseLast === true ? 1 : 0);
        return self.#entries.slice(first - before() - 1, end);
      },
      async purge(through) {
        self.#entries.splice(0, through.index - before());
        self.#boundary = through;
      },
      async truncate(fromIndex) {
        self.#entries.splice(fromIndex - before() - 1);
      },
      async reset() {
        self.#entries = [];
        self.#boundary = undefined;
      },
    };
    return log as LogStore;
  }
}
