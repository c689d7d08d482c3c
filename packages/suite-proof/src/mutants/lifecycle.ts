import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isStorageError, StorageError } from '@raftlog/core';
import type { Mutant } from '../mutant.ts';
import { override, overrideLog } from '../override.ts';

/** Broken in how an engine is opened, shared and closed. */
export const lifecycleMutants: readonly Mutant[] = [
  {
    name: 'vouched-for-too-early',
    broken: 'The marker that says that a store is whole is written before the store is.',
    host: 'journal',
    mutation: {
      fileIo: (io) =>
        override(io, {
          open: (path, mode, options) => io.open(path.replace('raftlog.creating', 'raftlog.json'), mode, options),
          rename: async (from, to) => (from.endsWith('raftlog.creating') ? undefined : io.rename(from, to)),
        }),
    },
    killedBy: 'A6-interrupted-creation',
    failsWith: /the place can’t be opened/,
  },
  {
    name: 'no-lock',
    broken: 'Two engines open one place and write over each other.',
    host: 'journal',
    mutation: { fileIo: (io) => override(io, { lock: async () => ({ release: async () => {} }) }) },
    killedBy: 'A4-second-opener',
    failsWith: /a second open was to be refused with LOCKED, but it succeeded/,
  },
  {
    name: 'lock-survives-its-process',
    broken: 'The lock is a file that its holder removes: after a kill nobody can open the place.',
    seenIn: 'pid files',
    host: 'journal',
    mutation: {
      fileIo: (io) =>
        override(io, {
          async lock(path) {
            const held = `${dirname(path)}.held`;
            if ((await io.kind(held)) !== undefined) return undefined;
            await (await io.open(held, 'create')).close();
            return { release: () => io.remove(held) };
          },
        }),
    },
    killedBy: 'A4-other-process',
    failsWith: /is open in another engine/,
  },
  {
    name: 'close-drops-accepted',
    broken: '`close()` rejects the writes that were accepted and not yet committed.',
    host: 'journal',
    mutation: {
      engine(engine) {
        let isClosing = false;
        const closing = override(engine, {
          close() {
            isClosing = true;
            return engine.close();
          },
        });
        return overrideLog(closing, (log) => ({
          async persistEntries(entries) {
            await log.persistEntries(entries);
            if (isClosing) throw new StorageError('CLOSED', 'The engine was closed meanwhile.', {});
          },
        }));
      },
    },
    killedBy: 'A3-close-waits',
    failsWith: /The engine was closed meanwhile/,
  },
  {
    name: 'getters-after-close-forgotten',
    broken: 'What close frees includes the state that the getters answer from.',
    host: 'memory',
    mutation: {
      engine(engine) {
        let isClosed = false;
        const closing = override(engine, {
          close() {
            isClosed = true;
            return engine.close();
          },
        });
        return overrideLog(closing, (log) => ({
          get lastIndex() {
            return isClosed ? 0 : log.lastIndex;
          },
        }));
      },
    },
    killedBy: 'A3-closed',
    failsWith: /getters after close/,
  },
  {
    name: 'foreign-files-removed',
    broken: 'An open clears the directory of what it does not know.',
    host: 'journal',
    mutation: {
      async open(open, options, directory) {
        const names: string[] = await readdir(directory).catch(() => []);
        const foreign = names.includes('raftlog.json') ? [] : names;
        for (const name of foreign) await rm(join(directory, name), { recursive: true });
        return open(options);
      },
    },
    killedBy: 'A5-foreign-files',
    failsWith: /the foreign file|ENOENT/,
  },
  {
    name: 'place-of-another-taken-over',
    broken: 'The marker of another adaptor is replaced by the own one: its log and its vote count for nothing.',
    host: 'journal',
    mutation: {
      async open(open, options, directory) {
        const marker = join(directory, 'raftlog.json');
        const text = await readFile(marker, 'utf8').catch(() => '');
        if (text.includes('@somebody'))
          for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
        return open(options);
      },
    },
    killedBy: 'A5-other-adaptor',
    failsWith: /the engine opened a place that another adaptor made/,
  },
  {
    name: 'refusal-clears-the-place',
    broken: 'A place whose marker is damaged is refused, and cleared, so that the next open succeeds.',
    host: 'journal',
    mutation: {
      async open(open, options, directory) {
        try {
          return await open(options);
        } catch (error) {
          const isDamaged = isStorageError(error, 'CORRUPTION') || isStorageError(error, 'UNSUPPORTED_FORMAT');
          if (isDamaged) await rm(directory, { recursive: true });
          throw error;
        }
      },
    },
    killedBy: 'A5-garbled-file',
    failsWith: /was refused, but not left as it was/,
  },
  {
    name: 'throws-instead-of-rejecting',
    broken: 'A wrong argument throws from the call itself, past the `catch` of the promise.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          persistEntries(entries) {
            const last = entries.at(-1);
            return last === undefined ? Promise.resolve() : log.persistEntries(entries);
          },
        })),
    },
    killedBy: 'J74-never-throws',
    failsWith: /threw instead of rejecting/,
  },
];
