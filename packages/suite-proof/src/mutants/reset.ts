import type { Commit } from '@raftlog/kit';
import { JournalBlocks } from '../journal-blocks.ts';
import type { Mutant } from '../mutant.ts';
import { override, overrideLog, overrideMeta } from '../override.ts';

/** Broken in what a reset drops and keeps. */
export const resetMutants: readonly Mutant[] = [
  {
    name: 'reset-forgets-the-vote',
    broken: 'A reset empties the hard state too: the node may vote a second time in its term.',
    host: 'memory',
    mutation: {
      engine: (engine) => {
        let isReset = false;
        const forgetful = overrideMeta(engine, (meta) => ({
          loadHardState: async () => (isReset ? undefined : meta.loadHardState()),
        }));
        return overrideLog(forgetful, (log) => ({
          reset: (boundary) => {
            isReset = true;
            return log.reset(boundary);
          },
        }));
      },
    },
    killedBy: 'E46-reset',
    failsWith: /the hard state/,
  },
  {
    name: 'reset-keeps-the-boundary',
    broken: 'A reset removes the entries but not the boundary: the log does not start at 1 again.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          reset: (boundary) => (boundary === undefined ? log.truncate(log.firstIndex) : log.reset(boundary)),
        })),
    },
    killedBy: 'E46-reset',
    failsWith: /purgeBoundary/,
  },
  {
    name: 'reset-keeps-the-term',
    broken: 'A reset moves the index of the boundary and keeps the term of the old one.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          reset: (boundary) => log.reset(boundary && { ...boundary, term: log.purgeBoundary?.term ?? boundary.term }),
        })),
    },
    killedBy: 'E46-reset-diverged',
    failsWith: /purgeBoundary/,
  },
  {
    name: 'reset-drops-snapshots',
    broken: 'A reset clears the whole place, and the snapshot that it was to make room for.',
    host: 'memory',
    mutation: {
      engine: (engine) => {
        let isReset = false;
        const { snapshotStore } = engine;
        const forgetful = override(engine, {
          snapshotStore: override(snapshotStore, { list: async () => (isReset ? [] : snapshotStore.list()) }),
        });
        return overrideLog(forgetful, (log) => ({
          reset: (boundary) => {
            isReset = true;
            return log.reset(boundary);
          },
        }));
      },
    },
    killedBy: 'E46-reset',
    failsWith: /the snapshots after reset/,
  },
  {
    name: 'late-deletion-hits-the-new-log',
    broken: 'A deletion that a purge put off is done after a reset, to the entries of the new log.',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          #late = 0;

          override async commit(commit: Commit): Promise<void> {
            await super.commit(commit);
            if (commit.put.length > 0)
              for (const key of this.blocks.keys()) if (key <= this.#late) this.blocks.delete(key);
            this.#late = Math.max(this.#late, commit.removeThrough ?? 0);
          }
        })(context),
    },
    killedBy: 'E46-nothing-old-returns',
    failsWith: /are damaged or missing/,
  },
];
