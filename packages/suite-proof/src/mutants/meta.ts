import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileIo, type HardState, isStorageError } from '@raftlog/core';
import type { Mutant } from '../mutant.ts';
import { override, overrideFiles, overrideMeta } from '../override.ts';

const COPIES = /hardstate\.[ab]$/;

/** Broken in how term and vote are kept. */
export const metaMutants: readonly Mutant[] = [
  {
    name: 'vote-changes',
    broken: 'A vote is overwritten by another one in the same term: the node votes twice.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideMeta(engine, (meta) => ({
          saveHardState: (state) => meta.saveHardState(state).catch(forgive('VOTE_CONFLICT')),
        })),
    },
    killedBy: 'F50-vote-conflict',
    failsWith: /was to be refused with VOTE_CONFLICT, but it succeeded/,
  },
  {
    name: 'term-goes-back',
    broken: 'A hard state with a lower term is taken.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideMeta(engine, (meta) => ({
          saveHardState: (state) => meta.saveHardState(state).catch(forgive('TERM_REGRESSION')),
        })),
    },
    killedBy: 'F50-falling-term',
    failsWith: /was to be refused with TERM_REGRESSION, but it succeeded/,
  },
  {
    name: 'no-vote-is-a-zero-vote',
    broken: 'A hard state that was never saved reads as term 0, as if it had been.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideMeta(engine, (meta) => ({
          loadHardState: async () => (await meta.loadHardState()) ?? { currentTerm: 0, votedFor: undefined },
        })),
    },
    killedBy: 'A2-no-vote',
    failsWith: /the hard state/,
  },
  {
    name: 'long-vote-cut',
    broken: 'Of the id of a candidate only the first 255 characters are kept.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideMeta(engine, (meta) => ({
          saveHardState: ({ currentTerm, votedFor }) =>
            meta.saveHardState({ currentTerm, votedFor: votedFor?.slice(0, 255) }),
        })),
    },
    killedBy: 'F47-round-trip',
    failsWith: /the hard state/,
  },
  {
    name: 'vote-not-synced',
    broken: 'A vote is acknowledged when it is written, without a sync.',
    seenIn: 'sled, whose default is to flush twice a second',
    host: 'journal',
    mutation: { fileIo: unsynced },
    killedBy: 'F49-torn-save',
    failsWith: /the hard state is .* but at least .* was durable|the first is gone: the hard state is/,
  },
  {
    name: 'vote-in-alternating-slots',
    broken:
      'A vote is written to one of two slots in turn: where the newest slot is damaged, the vote before it comes back.',
    host: 'file',
    mutation: { fileIo: alternating },
    killedBy: 'F49-one-copy-damaged',
    failsWith: /hardstate\.[ab].*the hard state/s,
  },
  {
    name: 'damaged-copy-stays',
    broken: 'An open that finds one copy of the hard state damaged does not mend it: the next damage is the last.',
    host: 'file',
    mutation: {
      fileIo: (io) =>
        overrideFiles(io, COPIES, (file) => {
          let writes = 0;
          return {
            async write(chunks, position) {
              if (writes++ > 0 || (await file.size()) === 0) await file.write(chunks, position);
            },
          };
        }),
    },
    killedBy: 'F49-damaged-copy-is-rewritten',
    failsWith: /both copies of the hard state are damaged/,
  },
  {
    name: 'missing-copy-made-anew',
    broken: 'A copy of the hard state that is missing is made anew: an older store put in its place would never show.',
    host: 'file',
    mutation: {
      fileIo: (io) =>
        override(io, {
          open: (path, mode, options) =>
            io.open(path, COPIES.test(path) && mode === 'write' ? 'create' : mode, options),
        }),
    },
    killedBy: 'F49-copy-missing',
    failsWith: /opening with copy 0 missing was to be refused with CORRUPTION, but it succeeded/,
  },
  {
    name: 'damaged-vote-read-as-absent',
    broken: 'A hard state that can not be read counts as none: the node votes a second time.',
    host: 'file',
    mutation: {
      async open(open, options, directory) {
        const copies = ['hardstate.a', 'hardstate.b'].map((name) => join(directory, name));
        try {
          const engine = await open(options);
          let closed: Promise<void> | undefined;
          const close = async () => {
            await engine.close();
            for (const copy of copies) await copyFile(copy, `${directory}.${copy.at(-1)}`);
          };
          return override(engine, {
            close() {
              closed ??= close();
              return closed;
            },
          });
        } catch (error) {
          if (!isStorageError(error, 'CORRUPTION')) throw error;
          // The log is opened beside the vote that was; only the vote is denied.
          for (const copy of copies) await copyFile(`${directory}.${copy.at(-1)}`, copy);
          return overrideMeta(await open(options), () => ({ loadHardState: async () => undefined }));
        }
      },
    },
    killedBy: 'F49-both-copies-damaged',
    failsWith: /opening with both copies damaged was to be refused with CORRUPTION, but it succeeded/,
  },
  {
    name: 'log-before-hard-state',
    broken:
      '`write()` makes entries durable before the hard state that they came with: after a crash the node has entries of a term that it has never seen.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        override(engine, {
          async write({ hardState, ...change }) {
            await engine.write(change);
            if (hardState !== undefined) await engine.metaStore.saveHardState(hardState);
          },
        }),
    },
    killedBy: 'B22b-hard-state-before-entries',
    failsWith: /the log is none that a prefix|the hard state is/,
  },
  {
    name: 'hard-state-overtaken',
    broken:
      'Hard states and entries have a queue each: an entry may be durable before a hard state that was saved before it.',
    host: 'journal',
    mutation: {
      engine(engine) {
        const save = async (state: HardState) => {
          await new Promise(setImmediate);
          await engine.metaStore.saveHardState(state);
        };
        return override(engine, {
          metaStore: override(engine.metaStore, { saveHardState: save }),
          async write({ hardState, ...change }) {
            await Promise.all([hardState && save(hardState), engine.write(change)]);
          },
        });
      },
    },
    killedBy: 'H64-power-cut-among-callers',
    failsWith: /the hard state is .* but at least .* was durable/,
  },
  {
    name: 'write-half-refused',
    broken: '`write()` saves the hard state before it finds that the entries do not fit.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        override(engine, {
          async write({ hardState, ...change }) {
            if (hardState !== undefined) await engine.metaStore.saveHardState(hardState);
            await engine.write(change);
          },
        }),
    },
    killedBy: 'B22b-write-refused-whole',
    failsWith: /was to be refused with|the hard state/,
  },
];

function forgive(code: 'VOTE_CONFLICT' | 'TERM_REGRESSION'): (error: unknown) => void {
  return (error) => {
    if (!isStorageError(error, code)) throw error;
  };
}

/** Only what a handle writes first, the making or mending of its copy, is synced. */
function unsynced(io: FileIo): FileIo {
  const lazy = override(io, { open: (path, mode, options) => io.open(path, mode, COPIES.test(path) ? {} : options) });
  return overrideFiles(lazy, COPIES, (file) => {
    let writes = 0;
    return {
      async write(chunks, position) {
        await file.write(chunks, position);
        if (writes++ === 0) await file.datasync();
      },
    };
  });
}

/** Of the saves every other goes to one copy, the rest to the other one; an open mends neither. */
function alternating(io: FileIo): FileIo {
  return overrideFiles(io, COPIES, (file, path) => {
    let writes = 0;
    return {
      async write(chunks, position) {
        const save = writes++;
        const isMine = save > 0 && save % 2 === (path.endsWith('a') ? 1 : 0);
        if (isMine || (await file.size()) === 0) await file.write(chunks, position);
      },
    };
  });
}
