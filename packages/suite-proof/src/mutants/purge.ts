import type { LogId } from '@raftlog/core';
import type { Commit } from '@raftlog/kit';
import { JournalBlocks } from '../journal-blocks.ts';
import type { RecordBody } from '../journal-record.ts';
import type { Mutant } from '../mutant.ts';
import { overrideLog } from '../override.ts';
import { LOSS } from './verdicts.ts';
import { withoutWitness } from './without-witness.ts';

/** Broken in what a purge removes, and in its boundary. */
export const purgeMutants: readonly Mutant[] = [
  {
    name: 'purge-off-by-one',
    broken: 'A purge keeps the entry that it is to remove last.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          purge: ({ index, term }) => log.purge({ index: Math.max(0, index - 1), term }),
        })),
    },
    killedBy: 'E38-half',
    failsWith: /5 !== 6/,
  },
  {
    name: 'purge-stops-at-the-end',
    broken:
      'A purge past the end moves the boundary to the last entry only: the log does not continue after the snapshot.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          purge: (through) =>
            log.purge(through.index > log.lastIndex ? (log.lastLogId ?? { index: 0, term: 0 }) : through),
        })),
    },
    killedBy: 'E40-past-the-end',
    failsWith: /purgeBoundary/,
  },
  {
    name: 'purge-ignores-the-term',
    broken: 'A purge that names another term than the log has goes ahead.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          purge: async ({ index, term }) => log.purge({ index, term: (await log.termAt(index)) ?? term }),
        })),
    },
    killedBy: 'E43-wrong-term',
    failsWith: /was to be refused with LOG_ID_MISMATCH, but it succeeded/,
  },
  {
    name: 'boundary-moves-back',
    broken: 'A purge below the boundary moves it back to where nothing is left.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => {
          let last: LogId | undefined;
          return {
            purge: (through) => {
              if (through.index > 0) last = through;
              return log.purge(through);
            },
            get purgeBoundary() {
              return last ?? log.purgeBoundary;
            },
          };
        }),
    },
    killedBy: 'E37-below-the-boundary',
    failsWith: /purgeBoundary/,
  },
  {
    name: 'purge-drops-whole-blocks',
    broken: 'A purge that ends inside a block removes the whole block.',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override apply(...[body]: Parameters<JournalBlocks['apply']>): void {
            const { removeThrough } = body;
            const above = [...this.blocks.keys()].filter((key) => removeThrough !== undefined && key > removeThrough);
            super.apply(above.length === 0 ? body : { ...body, removeThrough: Math.min(...above) });
          }
        })(context),
    },
    killedBy: 'E41-every-boundary',
    failsWith: /are damaged or missing/,
  },
  {
    name: 'purge-not-durable',
    broken: 'A commit that puts nothing is not synced.',
    seenIn: '`batch([], { sync: true })` of classic-level',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override async syncCommit(commit: Commit): Promise<void> {
            const isFirst = this.header === undefined;
            if (isFirst || commit.put.length > 0 || commit.removeFrom !== undefined) await super.syncCommit(commit);
          }
        })(context),
    },
    killedBy: 'E42-purge-survives-power-cut',
    failsWith: LOSS,
  },
  {
    name: 'boundary-only-in-memory',
    broken:
      'A purge changes nothing on the disk: at the next open the boundary is gone, and the purged entries are back.',
    host: 'journal',
    mutation: {
      fileIo: withoutWitness,
      blockStore: (context) =>
        new (class extends JournalBlocks {
          override async commit(commit: Commit): Promise<void> {
            if (commit.put.length > 0 || commit.removeFrom !== undefined) await super.commit(commit);
          }
        })(context),
    },
    killedBy: 'E42-boundary-survives',
    failsWith: /after a clean reopen: purgeBoundary/,
  },
  {
    name: 'term-of-boundary-forgotten',
    broken:
      "The boundary's index is stored, its term is not: after a reopen the consistency check of AppendEntries has nothing to compare.",
    host: 'journal',
    mutation: {
      engine: (engine) => {
        const recovered = engine.logStore.purgeBoundary?.index;
        return overrideLog(engine, (log) => ({
          termAt: async (index) => {
            const isForgotten = index === recovered && index === log.purgeBoundary?.index;
            return isForgotten ? undefined : log.termAt(index);
          },
        }));
      },
    },
    killedBy: 'C25-term-at',
    failsWith: /after a clean reopen: .*deep-equal/,
  },
  {
    name: 'deletes-before-the-boundary',
    broken:
      'A purge deletes entries before the boundary that covers them is durable: a crash between the two leaves a hole.',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          override async commit(commit: Commit): Promise<void> {
            const boundary = boundaryIn(commit.header);
            if (this.header !== undefined && boundary > boundaryIn(this.header)) {
              await super.commit({ ...commit, removeThrough: boundary, put: [], header: this.header });
            }
            await super.commit(commit);
          }
        })(context),
    },
    killedBy: 'E42-purge-survives-power-cut',
    failsWith: /are damaged or missing/,
  },
  {
    name: 'space-never-comes-back',
    broken:
      'What is purged is only marked: the file, of which 32 MiB were reserved, grows with all that was ever written.',
    seenIn: 'bbolt, whose file never shrinks (etcd needs a separate defragmentation)',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override hasGrown(): boolean {
            return false;
          }

          protected override async append(body: RecordBody): Promise<void> {
            await super.append(body);
            const reserved = 32 * 1024 * 1024;
            if (this.journal.end < reserved) await this.journal.file.truncate(reserved);
          }
        })(context),
    },
    killedBy: 'E44-space-comes-back',
    failsWith: /the directory grew by/,
  },
];

// A store of its own would know its boundary; here it stands in the kit's header.
function boundaryIn(header: Uint8Array): number {
  return Number(new DataView(header.buffer, header.byteOffset).getBigUint64(24, true));
}
