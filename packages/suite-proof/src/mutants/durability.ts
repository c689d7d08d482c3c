import type { Commit } from '@raftlog/kit';
import { JournalBlocks } from '../journal-blocks.ts';
import type { Mutant } from '../mutant.ts';
import { override, overrideFiles, overrideLog } from '../override.ts';
import { LOSS } from './verdicts.ts';

/** Broken in what is on the disk when it is said to be. */
export const durabilityMutants: readonly Mutant[] = [
  {
    name: 'nothing-synced',
    broken: 'Writes are acknowledged when the page cache has them.',
    seenIn: 'better-sqlite3 in WAL mode, whose default does not sync a commit',
    host: 'journal',
    mutation: { fileIo: (io) => overrideFiles(io, /journal|spare/, () => ({ datasync: async () => {} })) },
    killedBy: 'H64-power-cut-anywhere',
    failsWith: LOSS,
  },
  {
    name: 'synced-by-another-write',
    broken: 'A commit counts as synced when a byte elsewhere in its file was written with `O_DSYNC`.',
    seenIn: 'code that takes `O_DSYNC` for an fsync of the whole file',
    host: 'journal',
    mutation: {
      fileIo: (io) =>
        override(io, {
          async open(path, mode, options) {
            const file = await io.open(path, mode, options);
            if (mode === 'read' || !/journal|spare/.test(path)) return file;
            const synced = await io.open(path, 'write', { syncWrites: true });
            const byte = new Uint8Array(1);
            return override(file, {
              async datasync() {
                await file.read(byte, 0);
                await synced.write([byte], 0);
              },
              async close() {
                await synced.close();
                await file.close();
              },
            });
          },
        }),
    },
    killedBy: 'H64-power-cut-anywhere',
    failsWith: LOSS,
  },
  {
    name: 'sync-not-awaited',
    broken: 'A commit starts its sync and is acknowledged without waiting for it.',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override async syncCommit(commit: Commit): Promise<void> {
            setImmediate(() => super.syncCommit(commit).catch(() => {}));
          }
        })(context),
    },
    killedBy: 'H64-power-cut-anywhere',
    failsWith: LOSS,
  },
  {
    name: 'directory-not-synced',
    broken: 'A new file is synced but its name is not: after a power cut the file is not there.',
    seenIn: 'many of the stores in Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014)',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override async syncNames(): Promise<void> {}
        })(context),
    },
    killedBy: 'G59-recycled-records-stay-dead',
    failsWith: LOSS,
  },
  {
    name: 'segment-name-not-synced',
    broken: 'The file adaptor without the sync of its directory after it made a segment.',
    host: 'file',
    mutation: {
      fileIo: (io) =>
        override(io, { syncDirectory: async (path) => (path.endsWith('blocks') ? undefined : io.syncDirectory(path)) }),
    },
    killedBy: 'H64-power-cut-anywhere',
    failsWith: LOSS,
  },
  {
    name: 'commit-in-two-records',
    broken:
      'The blocks and the header of a commit are two writes: a crash between them leaves blocks that no header speaks of.',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          override async commit(commit: Commit): Promise<void> {
            if (commit.put.length > 0) await super.commit({ ...commit, header: this.header ?? commit.header });
            await super.commit({ sequence: commit.sequence, put: [], header: commit.header });
          }
        })(context),
    },
    killedBy: 'H64-power-cut-anywhere',
    failsWith: /the place can’t be opened/,
  },
  {
    name: 'durable-index-too-early',
    broken:
      '`durableIndex` rises when entries are accepted, not when they are durable: a follower acknowledges what it may lose.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          get durableIndex() {
            return log.lastIndex;
          },
        })),
    },
    killedBy: 'H64-power-cut-among-callers',
    failsWith: /durableIndex was \d+, but the log ends at/,
  },
  {
    name: 'durable-index-over-a-new-suffix',
    broken:
      'When an append is durable `durableIndex` rises to its end, although a replacement has been accepted meanwhile and other entries stand there now.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => {
          let appended = 0;
          return {
            async persistEntries(entries) {
              const done = log.persistEntries(entries);
              const end = log.lastIndex;
              await done;
              appended = Math.max(appended, end);
            },
            async replaceRange(fromIndex, entries) {
              appended = Math.min(appended, fromIndex - 1);
              await log.replaceRange(fromIndex, entries);
            },
            async truncate(fromIndex) {
              appended = Math.min(appended, fromIndex - 1);
              await log.truncate(fromIndex);
            },
            get durableIndex() {
              return Math.max(log.durableIndex, Math.min(appended, log.lastIndex));
            },
          };
        }),
    },
    killedBy: 'D35-durable-index-is-true',
    failsWith: /durableIndex was 10, but entry 10 has term 1, not [2-4]/,
  },
  {
    name: 'boundary-counts-as-durable',
    broken: '`durableIndex` is at the boundary when a reset or a purge past the end is called, not when it is durable.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          get durableIndex() {
            return Math.max(log.durableIndex, log.purgeBoundary?.index ?? 0);
          },
        })),
    },
    killedBy: 'E46-reset-under-crash',
    failsWith: /durableIndex was \d+, but the log ends at/,
  },
  {
    name: 'buffered-called-sync',
    broken: 'The engine buffers and declares that it syncs.',
    seenIn: 'RocksDB and LevelDB bindings opened without `sync: true`',
    host: 'journal',
    mutation: {
      async open(open, options) {
        const engine = await open({ ...options, durability: 'buffered' });
        const capabilities = { ...engine.capabilities, durability: options.durability ?? 'sync' } as const;
        const { logStore } = engine;
        return override(engine, {
          capabilities,
          logStore: override(logStore, {
            isWriteDurable: capabilities.durability === 'sync',
            get durableIndex() {
              return logStore.lastIndex;
            },
          }),
        });
      },
    },
    killedBy: 'H64-power-cut-anywhere',
    failsWith: LOSS,
  },
  {
    name: 'flush-does-nothing',
    broken: 'In buffered mode `flush()` resolves, and raises `durableIndex`, without a sync.',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          #made = !context.create;

          override async sync(): Promise<void> {
            if (!this.#made) await super.sync();
            this.#made = true;
          }
        })(context),
    },
    killedBy: 'H64-power-cut-buffered',
    failsWith: LOSS,
  },
  {
    name: 'volatile-called-sync',
    broken: 'Everything is kept in memory, and declared to be durable.',
    host: 'memory',
    mutation: {
      engine: (engine) => {
        const { logStore, capabilities } = engine;
        return override(engine, {
          capabilities: { ...capabilities, durability: 'sync' },
          logStore: override(logStore, {
            isWriteDurable: true,
            get durableIndex() {
              return logStore.lastIndex;
            },
          }),
        });
      },
    },
    killedBy: 'J74-durability',
    failsWith: /lastIndex\s+0 !== 5|purgeBoundary/,
  },
];
