import type { Entry, LogId } from '@raftlog/core';
import { expect, test } from 'vitest';
import { defineAdaptor, type KitStorageEngine, type StoreOptions } from '../src/index.ts';
import { DelayedMapBlocks, type StoredState } from './delayed-map-blocks.ts';
import { KeptHardState, noSnapshots } from './memory-parts.ts';

/*
 * Calls that are not awaited, on a store that answers late: whatever meets whatever, each read answers for one instant between
 * its call and its resolution, and a process that ends anywhere leaves a prefix of what was called, no shorter than what had resolved.
 */

interface Version {
  readonly entries: readonly string[];
  readonly boundary: LogId | undefined;
}

const show = (entry: Pick<Entry, 'index' | 'term'>): string => `${entry.index}/${entry.term}`;

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

class Scenario {
  readonly random: () => number;
  readonly versions: Version[] = [{ entries: [], boundary: undefined }];
  /** The version that a resolved call vouches for. */
  acknowledged = 0;
  readonly failures: string[] = [];
  readonly #engine: KitStorageEngine;
  #term = 1;
  readonly #streams: Promise<void>[] = [];

  constructor(engine: KitStorageEngine, seed: number) {
    this.#engine = engine;
    this.random = random(seed);
  }

  get #now(): Version {
    return this.versions.at(-1) as Version;
  }

  #below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  async step(): Promise<void> {
    const choice = this.random();
    if (choice < 0.35) this.#write();
    else if (choice < 0.8) this.#read();
    else if (choice < 0.85) this.#stream();
    else
      for (let turn = this.#below(6); turn > 0; turn--) await (this.random() < 0.5 ? null : new Promise(setImmediate));
    const { lastIndex, firstIndex, durableIndex, lastLogId } = this.#engine.logStore;
    const { entries, boundary } = this.#now;
    expect(firstIndex).toBe((boundary?.index ?? 0) + 1);
    expect(lastIndex).toBe((boundary?.index ?? 0) + entries.length);
    expect(lastLogId && show(lastLogId)).toBe(entries.at(-1) ?? (boundary && show(boundary)));
    expect(durableIndex).toBeLessThanOrEqual(lastIndex);
  }

  /** Resolves when every call has. */
  async settled(): Promise<void> {
    await this.#engine.logStore.flush();
    await Promise.all(this.#streams);
  }

  #write(): void {
    const { logStore } = this.#engine;
    const { entries, boundary } = this.#now;
    const base = boundary?.index ?? 0;
    const last = base + entries.length;
    const make = (first: number): Entry[] => {
      if (this.random() < 0.2) this.#term++;
      const dataBytes = this.random() < 0.1 ? 40_000 : 10;
      return Array.from({ length: 1 + this.#below(8) }, (_, i) => ({
        index: first + i,
        term: this.#term,
        kind: 'command',
        data: new Uint8Array(dataBytes).fill(this.#term),
      }));
    };
    const choice = this.random();
    let next: Version;
    let done: Promise<void>;
    if (choice < 0.5 || last === base) {
      const added = make(last + 1);
      done = logStore.persistEntries(added);
      next = { boundary, entries: [...entries, ...added.map(show)] };
    } else if (choice < 0.7) {
      const from = base + 1 + this.#below(last - base);
      const added = this.random() < 0.6 ? make(from) : [];
      done = logStore.replaceRange(from, added);
      next = { boundary, entries: [...entries.slice(0, from - base - 1), ...added.map(show)] };
    } else if (choice < 0.97) {
      const index = base + 1 + this.#below(last - base);
      const through = { index, term: Number((entries[index - base - 1] as string).split('/')[1]) };
      done = logStore.purge(through);
      next = { boundary: through, entries: entries.slice(index - base) };
    } else {
      const to = this.random() < 0.5 ? undefined : { index: 1 + this.#below(last + 20), term: this.#term };
      done = logStore.reset(to);
      next = { boundary: to, entries: [] };
    }
    this.versions.push(next);
    const version = this.versions.length - 1;
    done.then(
      () => {
        this.acknowledged = Math.max(this.acknowledged, version);
      },
      (error: unknown) => this.failures.push(`write ${version}: ${error}`),
    );
  }

  /** A read must equal the range in some version from the one at its call to the one at its resolution. */
  #read(): void {
    const since = this.versions.length - 1;
    const { entries, boundary } = this.#now;
    const base = boundary?.index ?? 0;
    const first = Math.max(0, base - 2 + this.#below(entries.length + 4));
    const last = first + this.#below(12);
    const reading = this.#engine.logStore.getEntries(first, last).then((found) => {
      const answer = found.map(show).join();
      const possible = this.versions.slice(since).map((version) => {
        const from = (version.boundary?.index ?? 0) + 1;
        return version.entries.slice(Math.max(0, first - from), Math.max(0, last - from + 1)).join();
      });
      if (!possible.includes(answer))
        this.failures.push(`read ${first}..${last}: ${answer} is none of ${[...new Set(possible)].join(' | ')}`);
      for (const entry of found) {
        if (entry.data.some((byte) => byte !== entry.term))
          this.failures.push(`entry ${entry.index} has the data of another`);
      }
    });
    reading.catch((error: unknown) => this.failures.push(`read ${first}..${last}: ${error}`));
  }

  /** A stream delivers what was there when it was made, or says that it was overtaken. */
  #stream(): void {
    const { entries } = this.#now;
    const stream = this.#engine.logStore.entries(undefined, { chunkBytes: 100 });
    const run = async (): Promise<void> => {
      let position = 0;
      try {
        for await (const entry of stream) {
          if (show(entry) !== entries[position++])
            this.failures.push(`stream: ${show(entry)} instead of ${entries[position - 1]}`);
        }
        if (position !== entries.length) this.failures.push(`stream: ended after ${position} of ${entries.length}`);
      } catch (error) {
        const code = (error as { code?: string }).code;
        if (code !== 'TRUNCATED' && code !== 'PURGED') this.failures.push(`stream: ${error}`);
      }
    };
    this.#streams.push(run());
  }
}

for (const cacheBytes of [0, 20_000, 16 * 1024 * 1024]) {
  test(`reads and writes that meet, with a cache of ${cacheBytes} bytes`, async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const stored: StoredState = { blocks: new Map(), header: undefined };
      const hardState = new KeptHardState();
      const turns = random(seed * 7919);
      const adaptor = defineAdaptor<StoreOptions>({
        name: 'delayed',
        durability: ['sync'],
        keepsNoBlocks: seed % 2 === 0,
        blockStore: () => new DelayedMapBlocks(stored, () => Math.floor(turns() * 6)),
        remote: { hardState: () => hardState, snapshots: noSnapshots },
      });
      const engine = await adaptor.open({ cacheBytes });
      const scenario = new Scenario(engine, seed);
      for (let step = 0; step < 150; step++) await scenario.step();

      // The process ends here: what the store has now is what the next one finds.
      const { acknowledged } = scenario;
      const left: StoredState = { blocks: new Map(stored.blocks), header: stored.header };
      const survivor = await defineAdaptor<StoreOptions>({
        name: 'survivor',
        durability: ['sync'],
        blockStore: () => new DelayedMapBlocks(left, () => 0),
        remote: { hardState: () => hardState, snapshots: noSnapshots },
      }).open({});
      const { purgeBoundary } = survivor.logStore;
      const found = (await survivor.logStore.getEntries(0, 100_000)).map(show).join();
      const possible = scenario.versions
        .slice(acknowledged)
        .some((version) => version.entries.join() === found && version.boundary?.index === purgeBoundary?.index);
      expect(possible, `seed ${seed}: after the end of the process: ${found}`).toBe(true);
      for (const index of [survivor.logStore.firstIndex, survivor.logStore.lastIndex]) {
        const entry = await survivor.logStore.entry(index);
        if (entry !== undefined) expect(await survivor.logStore.termAt(index)).toBe(entry.term);
      }
      await survivor.close();

      await scenario.settled();
      await engine.close();
      expect(scenario.failures, `seed ${seed}`).toEqual([]);
    }
  });
}
