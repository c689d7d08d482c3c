import type { Entry, LogId } from '../src/entry.ts';
import type { LogStore, ReadOptions, StorageEngine } from '../src/index.ts';
import { ReferenceEngine, type ReferencePlace } from './reference-engine.ts';

/** A deliberate fault, and the case that is there to find it. */
export interface BrokenEngine {
  readonly what: string;
  readonly killedBy: string;
  readonly make: (place: ReferencePlace) => StorageEngine;
}

/** One fault each, in an engine that is right otherwise. */
export const brokenEngines: readonly BrokenEngine[] = [
  brokenLog('a purge that is off by one', 'E38-half', (log) => ({
    purge: (through: LogId) => log.purge({ ...through, index: Math.max(0, through.index - 1) }),
  })),
  brokenLog('a gap that is taken', 'B12-gap-refused', (log) => ({
    persistEntries: (entries: readonly Entry[]) =>
      log.persistEntries(entries.map((entry, at) => ({ ...entry, index: log.lastIndex + 1 + at }))),
  })),
  brokenLog('a swallowed error', 'B15-falling-term-refused', (log) => ({
    persistEntries: (entries: readonly Entry[]) => log.persistEntries(entries).catch(() => {}),
  })),
  brokenLog('entries that appear late', 'B10-readable-at-once', (log) => ({
    persistEntries: async (entries: readonly Entry[]) => {
      const copies = structuredClone(entries);
      await Promise.resolve();
      await log.persistEntries(copies);
    },
  })),
  brokenLog('a batch that is taken in part', 'B13-gap-inside-refused', (log) => ({
    persistEntries: async (entries: readonly Entry[]) => {
      for (const entry of entries) await log.persistEntries([entry]);
    },
  })),
  brokenLog('a range without its last entry', 'B9-hundred-entries', (log) => ({
    getEntries: (first: number, last: number, options?: ReadOptions) => log.getEntries(first, last - 1, options),
  })),
  brokenLog('a maxBytes that lets one entry too many through', 'C24-max-bytes', (log) => ({
    getEntries: (first: number, last: number, options: ReadOptions = {}) =>
      log.getEntries(first, last, options.maxBytes ? { ...options, maxBytes: options.maxBytes + 1 } : options),
  })),
  brokenLog('a boundary without its term', 'C25-term-at', (log) => ({
    termAt: async (index: number) => (index < log.firstIndex ? undefined : log.termAt(index)),
  })),
  brokenLog('a stream that follows the end of the log', 'C26-stream-end-is-fixed', (log) => ({
    entries: async function* () {
      for (let index = log.firstIndex; index <= log.lastIndex; index++) {
        const entry = await log.entry(index);
        if (entry !== undefined) yield entry;
      }
    },
  })),
  brokenLog('a stream that ends quietly when it is overtaken', 'C26-truncated', (log) => ({
    entries: async function* () {
      try {
        yield* log.entries();
      } catch {
        // The fault: what is missing looks like the end.
      }
    },
  })),
  brokenLog('a truncate at the boundary that succeeds', 'D33-at-the-boundary', (log) => ({
    truncate: (fromIndex: number) => log.truncate(Math.max(fromIndex, log.firstIndex)),
  })),
  brokenLog('a replaceRange that only appends', 'D34-replace', (log) => ({
    replaceRange: (_: number, entries: readonly Entry[]) => log.persistEntries(entries),
  })),
  brokenLog('a purge past the end that stops at the end', 'E40-past-the-end', (log) => ({
    purge: (through: LogId) => log.purge({ ...through, index: Math.min(through.index, log.lastIndex) }),
  })),
  brokenLog('a reset that forgets its boundary', 'E46-reset-beyond', (log) => ({ reset: () => log.reset() })),
  brokenLog('a cache that outlives a truncation', 'D32-cache-is-cut-too', (log) => {
    const cache = new Map<number, Entry>();
    return {
      entry: async (index: number) => {
        const found = cache.get(index) ?? (await log.entry(index));
        if (found !== undefined) cache.set(index, found);
        return index > log.lastIndex || index < log.firstIndex ? undefined : found;
      },
    };
  }),
  {
    what: 'a vote that may be changed',
    killedBy: 'F50-vote-conflict',
    make: (place) =>
      broken(place, (engine) => ({
        metaStore: {
          ...engine.metaStore,
          saveHardState: async (state: { currentTerm: number; votedFor: string | undefined }) => {
            if (state.currentTerm === engine.model.hardState?.currentTerm) engine.model.hardState = undefined;
            await engine.metaStore.saveHardState(state);
          },
        },
      })),
  },
  {
    what: 'no vote that looks like a vote in term 0',
    killedBy: 'A2-no-vote',
    make: (place) =>
      broken(place, (engine) => ({
        metaStore: {
          ...engine.metaStore,
          loadHardState: async () =>
            (await engine.metaStore.loadHardState()) ?? { currentTerm: 0, votedFor: undefined },
        },
      })),
  },
  {
    what: 'a close that changes nothing',
    killedBy: 'A3-closed',
    make: (place) => broken(place, () => ({ close: async () => {} })),
  },
  {
    what: 'a volatile engine that says it is durable',
    killedBy: 'J74-durability',
    make: () => new ReferenceEngine('sync'),
  },
  {
    what: 'a durable engine that says it is volatile',
    killedBy: 'J74-durability',
    make: (place) => new ReferenceEngine('volatile', place),
  },
  {
    what: 'an engine with other limits than it says',
    killedBy: 'B16-too-large',
    make: (place) => broken(place, (engine) => ({ capabilities: { ...engine.capabilities, maxEntryBytes: 1000 } })),
  },
];

function brokenLog(what: string, killedBy: string, faulty: (log: LogStore) => Partial<LogStore>): BrokenEngine {
  return {
    what,
    killedBy,
    make: (place) => broken(place, ({ logStore }) => ({ logStore: overlay(logStore, faulty(logStore)) })),
  };
}

function broken(place: ReferencePlace, faulty: (engine: ReferenceEngine) => Partial<StorageEngine>): StorageEngine {
  const engine = new ReferenceEngine('sync', place);
  return overlay<StorageEngine>(engine, faulty(engine));
}

/** `target` with some members replaced; the others still run on `target` itself, as private fields demand. */
function overlay<Target extends object>(target: Target, replaced: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_, name) => {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name);
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
