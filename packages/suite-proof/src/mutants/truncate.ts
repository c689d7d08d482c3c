import type { Entry } from '@raftlog/core';
import { JournalBlocks } from '../journal-blocks.ts';
import type { Mutant } from '../mutant.ts';
import { overrideLog } from '../override.ts';
import { lifted } from './lifted.ts';
import { LOSS } from './verdicts.ts';

/** Broken in what a truncation or a replacement leaves. */
export const truncateMutants: readonly Mutant[] = [
  {
    name: 'truncate-keeps-its-first',
    broken: 'The entry at which a truncation starts stays.',
    host: 'memory',
    mutation: {
      engine: (engine) => overrideLog(engine, (log) => ({ truncate: (fromIndex) => log.truncate(fromIndex + 1) })),
    },
    killedBy: 'D30-in-the-middle',
    failsWith: /lastIndex\s+6 !== 5/,
  },
  {
    name: 'truncate-at-boundary-accepted',
    broken: 'A truncation at or below the purge boundary cuts what there is instead of being refused.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({ truncate: (fromIndex) => log.truncate(Math.max(log.firstIndex, fromIndex)) })),
    },
    killedBy: 'D33-at-the-boundary',
    failsWith: /was to be refused with PURGED, but it succeeded/,
  },
  {
    name: 'fractions-cut-off',
    broken: 'An index that is no whole number is rounded instead of refused.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({ truncate: (fromIndex) => log.truncate(Math.trunc(fromIndex)) })),
    },
    killedBy: 'B21-invalid-numbers',
    failsWith: /truncate with 1.5 was to be refused with INVALID_ARGUMENT, but it succeeded/,
  },
  {
    name: 'replace-keeps-the-old-tail',
    broken: 'A replacement writes over as many entries as it brings and leaves the rest of the old suffix.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          async replaceRange(fromIndex, entries) {
            const tail = await log.getEntries(fromIndex + entries.length, log.lastIndex);
            await log.replaceRange(fromIndex, entries.length === 0 ? [] : lifted([...entries, ...tail]));
          },
        })),
    },
    killedBy: 'D34-replace',
    failsWith: /lastIndex/,
  },
  {
    name: 'stale-cache',
    broken: 'A truncation does not reach the cache: reads answer with entries that were cut off and rewritten.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => {
          const cache = new Map<number, Entry>();
          return {
            getEntries: async (first, last, options) => {
              const entries = await log.getEntries(first, last, options);
              for (const entry of entries) if (!cache.has(entry.index)) cache.set(entry.index, entry);
              return entries.map((entry) => cache.get(entry.index) ?? entry);
            },
          };
        }),
    },
    killedBy: 'D32-cache-is-cut-too',
    failsWith: /the suffix of term 2: entry \d+ has term 1, not 2/,
  },
  {
    name: 'truncate-not-durable',
    broken: 'A truncation is acknowledged before it is synced.',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override async syncCommit(...[commit]: Parameters<JournalBlocks['syncCommit']>): Promise<void> {
            // What is put back of a block that the cut went through lies below the cut.
            const { removeFrom = 0, put } = commit;
            const onlyCuts = put.every(({ key }) => key < removeFrom);
            if (removeFrom === 0 || !onlyCuts) await super.syncCommit(commit);
          }
        })(context),
    },
    killedBy: 'D36-truncate-survives-power-cut',
    failsWith: LOSS,
  },
  {
    name: 'replace-in-two-steps',
    broken: 'A replacement truncates and then appends: a crash between the two leaves neither suffix.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          replaceRange: async (fromIndex, entries) => {
            await log.truncate(fromIndex);
            await log.persistEntries(entries);
          },
        })),
    },
    killedBy: 'D34-replace-atomic-under-crash',
    failsWith: LOSS,
  },
  {
    name: 'durable-index-does-not-fall',
    broken:
      '`durableIndex` stays where it was when a truncation is called: entries that replace the cut ones count as durable at once.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => {
          let highest = 0;
          return {
            get durableIndex() {
              highest = Math.max(highest, log.durableIndex);
              return highest;
            },
          };
        }),
    },
    killedBy: 'D35-durable-index-falls',
    failsWith: /durableIndex is \d+ at the call/,
  },
  {
    name: 'durable-index-stuck-after-truncate',
    broken: '`durableIndex` falls with a truncation and never rises above it again.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => {
          let lowest = Number.POSITIVE_INFINITY;
          return {
            truncate: (fromIndex) => {
              lowest = Math.min(lowest, fromIndex - 1);
              return log.truncate(fromIndex);
            },
            get durableIndex() {
              return Math.min(lowest, log.durableIndex);
            },
          };
        }),
    },
    killedBy: 'D35-durable-index-falls',
    failsWith: /durableIndex (after|at)/,
  },
];
