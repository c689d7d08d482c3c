import { isStorageError, StorageError } from '@raftlog/core';
import { JournalBlocks } from '../journal-blocks.ts';
import type { Mutant } from '../mutant.ts';
import { override, overrideLog } from '../override.ts';
import { lifted } from './lifted.ts';

/** Broken in what an append takes, refuses and keeps. */
export const appendMutants: readonly Mutant[] = [
  {
    name: 'empty-append-is-a-barrier',
    broken: 'An append of nothing waits for all that was accepted before it.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) => (entries.length === 0 ? log.flush() : log.persistEntries(entries)),
        })),
    },
    killedBy: 'B7-empty-append-writes-nothing',
    failsWith: /persistEntries\(\[\]\) resolves while an append waits for the disk/,
  },
  {
    name: 'empty-append-committed',
    broken: 'An append of nothing is a commit like any other: a heartbeat costs a sync.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          async persistEntries(entries) {
            await log.persistEntries(entries);
            const state = await engine.metaStore.loadHardState();
            if (entries.length === 0)
              await engine.metaStore.saveHardState({ currentTerm: (state?.currentTerm ?? 0) + 1, votedFor: undefined });
          },
        })),
    },
    killedBy: 'B7-empty-append-writes-nothing',
    failsWith: /calls to the disk for persistEntries\(\[\]\)/,
  },
  {
    name: 'empty-append-refused',
    broken: 'An append of nothing is an error.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          async persistEntries(entries) {
            if (entries.length > 0) return log.persistEntries(entries);
            throw new StorageError('INVALID_ARGUMENT', 'There is nothing to append.', {
              argument: 'entries',
              received: '[]',
            });
          },
        })),
    },
    killedBy: 'B7-empty-append',
    failsWith: /There is nothing to append/,
  },
  {
    name: 'gap-accepted',
    broken: 'Entries are numbered by the store: a batch that leaves a gap is taken, under other indexes.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) =>
            log.persistEntries(entries.map((entry, at) => ({ ...entry, index: log.lastIndex + 1 + at }))),
        })),
    },
    killedBy: 'B12-gap-refused',
    failsWith: /was to be refused with NON_CONTIGUOUS, but it succeeded/,
  },
  {
    name: 'batch-half-applied',
    broken: 'The right entries at the head of a batch stay, although the batch is refused.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) =>
            log.persistEntries(entries).catch(async (error: unknown) => {
              const gap = entries.findIndex(({ index }, at) => index !== log.lastIndex + 1 + at);
              await log.persistEntries(entries.slice(0, gap));
              throw error;
            }),
        })),
    },
    killedBy: 'B13-gap-inside-refused',
    failsWith: /was refused, but the log went from 1 to/,
  },
  {
    name: 'falling-term-accepted',
    broken: 'Terms are not compared: an entry of an older term follows one of a newer term.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) => log.persistEntries(lifted(entries, log.lastLogId?.term)),
        })),
    },
    killedBy: 'B15-falling-term-refused',
    failsWith: /was to be refused with TERM_REGRESSION, but it succeeded/,
  },
  {
    name: 'term-of-boundary-not-compared',
    broken: 'The first entry after a purge of everything may have a lower term than what was purged.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) =>
            log.persistEntries(log.firstIndex > log.lastIndex ? lifted(entries, log.lastLogId?.term) : entries),
        })),
    },
    killedBy: 'B15-falling-term-after-boundary',
    failsWith: /was to be refused with TERM_REGRESSION, but it succeeded/,
  },
  {
    name: 'input-aliased',
    broken: "The caller's buffers are kept, not copied: what it writes into them later is in the log.",
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => {
          const kept = new Map<number, Uint8Array>();
          return {
            persistEntries: (entries) => {
              for (const { index, data } of entries) kept.set(index, data);
              return log.persistEntries(entries);
            },
            getEntries: async (first, last, options) =>
              (await log.getEntries(first, last, options)).map((entry) => ({
                ...entry,
                data: kept.get(entry.index) ?? entry.data,
              })),
          };
        }),
    },
    killedBy: 'B18-input-is-copied',
    failsWith: /the data of entry 1 is wrong from byte 0/,
  },
  {
    name: 'whole-buffer-stored',
    broken: 'Of data that is a view the whole buffer behind it is stored.',
    seenIn: "`new Uint8Array(data.buffer)`, the classic of Node's pooled buffers",
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) =>
            log.persistEntries(entries.map((entry) => ({ ...entry, data: new Uint8Array(entry.data.buffer) }))),
        })),
    },
    killedBy: 'B18-view-of-a-larger-buffer',
    failsWith: /the data of entry 1 is wrong/,
  },
  {
    name: 'trailing-zeros-lost',
    broken: 'Data is padded with zeros and the padding is guessed on the way back.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) =>
            log.persistEntries(entries.map((entry) => ({ ...entry, data: trimmed(entry.data) }))),
        })),
    },
    killedBy: 'B17-awkward-bytes',
    failsWith: /the data of entry 1 is wrong/,
  },
  {
    name: 'kind-lost',
    broken: 'The kind of an entry is not stored: everything comes back as a command.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) =>
            log.persistEntries(entries.map((entry) => ({ ...entry, kind: 'command' as const }))),
        })),
    },
    killedBy: 'B22-all-kinds',
    failsWith: /entry 1 has kind command, not noop/,
  },
  {
    name: 'order-of-calls-lost',
    broken:
      'An append waits for something before it takes its place in the queue; what is called after it overtakes it.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: async (entries) => {
            await new Promise(setImmediate);
            await log.persistEntries(entries);
          },
        })),
    },
    killedBy: 'B20-refused-between-accepted',
    failsWith: /NON_CONTIGUOUS/,
  },
  {
    name: 'acknowledged-out-of-order',
    broken: 'Of two appends the second may resolve first.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          async persistEntries(entries) {
            await log.persistEntries(entries);
            if (entries[0] !== undefined && entries[0].index % 2 === 1) await new Promise(setImmediate);
          },
        })),
    },
    killedBy: 'B20-issue-order',
    failsWith: /the order in which the appends resolved/,
  },
  {
    name: 'accepted-entries-unseen',
    broken: 'An accepted entry shows only when it is durable: a leader can not replicate while its own disk works.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          get lastIndex() {
            return log.durableIndex;
          },
        })),
    },
    killedBy: 'B10-readable-at-once',
    failsWith: /lastIndex right after the call/,
  },
  {
    name: 'keys-of-32-bits',
    broken: 'Keys of the store are unsigned 32-bit integers, which wrap.',
    seenIn: "`keyEncoding: 'uint32'` of lmdb-js",
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override apply(...[body]: Parameters<JournalBlocks['apply']>): void {
            super.apply({ ...body, put: body.put.map(({ key, bytes }) => ({ key: key >>> 0, bytes })) });
          }
        })(context),
    },
    killedBy: 'B21-index-2-32',
    failsWith: /are damaged or missing/,
  },
  {
    name: 'size-limit-not-kept',
    broken: 'Entries above the size that the engine declares are taken.',
    host: 'memory',
    mutation: {
      engine: (engine) => override(engine, { capabilities: { ...engine.capabilities, maxEntryBytes: 1024 } }),
    },
    killedBy: 'B16-too-large',
    failsWith: /was to be refused with TOO_LARGE, but it succeeded/,
  },
  {
    name: 'busy-drops-accepted',
    broken: 'A queue that is full makes room by dropping what it accepted last.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries: (entries) =>
            log.persistEntries(entries).catch(async (error: unknown) => {
              if (isStorageError(error, 'BUSY')) await log.truncate(log.lastIndex);
              throw error;
            }),
        })),
    },
    killedBy: 'B22a-busy',
    failsWith: /Entry \d+ was given where the log continues at/,
  },
  {
    name: 'no-backpressure',
    broken: 'Any number of bytes is accepted while the disk is slow, whatever limit was declared.',
    host: 'journal',
    mutation: {
      open: async (open, { maxPendingBytes, ...options }) => {
        const engine = await open(options);
        const capabilities = {
          ...engine.capabilities,
          maxPendingBytes: maxPendingBytes ?? engine.capabilities.maxPendingBytes,
        };
        return override(engine, { capabilities });
      },
    },
    killedBy: 'B22a-busy',
    failsWith: /bytes are accepted and pending, the limit is/,
  },
];

function trimmed(data: Uint8Array): Uint8Array {
  return data.subarray(0, data.findLastIndex((byte) => byte !== 0) + 1);
}
