import { type Entry, encodedEntryBytes, type LogStore } from '@raftlog/core';
import type { Block } from '@raftlog/kit';
import { JournalBlocks } from '../journal-blocks.ts';
import type { Mutant } from '../mutant.ts';
import { overrideLog } from '../override.ts';

/** Broken in what a read answers. */
export const readMutants: readonly Mutant[] = [
  {
    name: 'range-end-exclusive',
    broken: 'The end of a range is exclusive.',
    seenIn: 'ports from etcd/raft, whose `Entries(lo, hi)` is half-open',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          getEntries: (first, last, options) => log.getEntries(first, Math.max(0, last - 1), options),
        })),
    },
    killedBy: 'C23-ranges-clip',
    failsWith: /getEntries\(3, 3\): entry 3 is missing/,
  },
  {
    name: 'max-bytes-off-by-one',
    broken: 'An entry that ends one byte behind `maxBytes` is let through.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          getEntries: (first, last, options = {}) =>
            log.getEntries(
              first,
              last,
              options.maxBytes === undefined ? options : { ...options, maxBytes: options.maxBytes + 1 },
            ),
        })),
    },
    killedBy: 'C24-max-bytes',
    failsWith: /from 1, maxBytes \d+: there is an entry \d of term 1 that should not be/,
  },
  {
    name: 'huge-entry-never-read',
    broken: 'An entry that alone exceeds `maxBytes` is left out: a follower that needs it never catches up.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          getEntries: async (first, last, options = {}) => {
            const entries = await log.getEntries(first, last, options);
            const [entry] = entries;
            return entry !== undefined && encodedEntryBytes(entry) > (options.maxBytes ?? Number.POSITIVE_INFINITY)
              ? []
              : entries;
          },
        })),
    },
    killedBy: 'C24-max-bytes',
    failsWith: /from 1, maxBytes \d+: entry 1 is missing/,
  },
  {
    name: 'exact-ignored',
    broken: 'A range that reaches beyond the log is clipped although it was to be exact.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          getEntries: (first, last, options) => log.getEntries(first, last, { ...options, exact: false }),
        })),
    },
    killedBy: 'C23-exact',
    failsWith: /was to be refused with PURGED, but it succeeded/,
  },
  {
    name: 'abort-ignored',
    broken: 'A stream goes on to its end although its signal has fired.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          entries: (range, { signal: _ignored, ...options } = {}) => log.entries(range, options),
        })),
    },
    killedBy: 'C26-abort',
    failsWith: /was to be refused with ABORTED, but it succeeded/,
  },
  {
    name: 'range-read-in-two-halves',
    broken: 'A range is read in two steps between which the log may be rewritten: the answer mixes two histories.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({ getEntries: (first, last) => inTwoHalves(log, first, last) })),
    },
    killedBy: 'C27-one-instant',
    failsWith: /is none of the \d+ states of that time/,
  },
  {
    name: 'stream-end-not-fixed',
    broken: 'A stream ends where the log ends when it is first read, not when it was made.',
    seenIn: 'any async generator: its body runs at the first `next()`',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          async *entries(range, options) {
            yield* log.entries(range, options);
          },
        })),
    },
    killedBy: 'C26-stream-end-is-fixed',
    failsWith: /a stream made when lastIndex was 50 delivered entry 51/,
  },
  {
    name: 'stream-mixes-histories',
    broken: 'A stream reads entry by entry and does not see that its rest was rewritten.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          entries: (range = {}) => entryByEntry(log, range.first ?? log.firstIndex, range.last ?? log.lastIndex),
        })),
    },
    killedBy: 'C26-truncated-and-rewritten',
    failsWith: /was to be refused with TRUNCATED, but it succeeded/,
  },
  {
    name: 'output-buffer-reused',
    broken: 'Reads of the store answer with views of one buffer, which the next read writes over.',
    seenIn: '`getBinaryFast` of lmdb-js',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          readonly #shared = new Uint8Array(1024 * 1024);

          override async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
            let end = 0;
            return (await super.readBlocks(first, last, maxBytes)).map(({ key, bytes }) => {
              const view = this.#shared.subarray(end, end + bytes.length);
              view.set(bytes);
              end += bytes.length;
              return { key, bytes: view };
            });
          }
        })(context),
    },
    killedBy: 'B19-what-was-read-stays',
    failsWith: /entr(y|ies) that (was|were) read before the log was rewritten/,
  },
];

async function inTwoHalves(log: LogStore, first: number, last: number): Promise<Entry[]> {
  const middle = Math.floor((log.firstIndex + log.lastIndex) / 2);
  const head = await log.getEntries(first, Math.min(last, middle));
  return [...head, ...(await log.getEntries(Math.max(first, middle + 1), last))];
}

async function* entryByEntry(log: LogStore, first: number, last: number): AsyncGenerator<Entry> {
  for (let index = first; index <= last; index++) {
    const entry = await log.entry(index);
    if (entry !== undefined) yield entry;
  }
}
