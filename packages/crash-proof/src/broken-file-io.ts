import { dirname } from 'node:path';
import type { FileHandle, FileIo } from '@raftlog/core';

/**
 * What is broken.
 *
 * - `no-fsync`: nothing is synced
 * - `fsync-before-write`: what is written is synced with what comes next
 * - `no-directory-fsync`: names are left to themselves
 * - `rename-before-fsync`: a file gets its name before its content is synced
 * - `hard-state-in-place`: both copies of the hard state are one file, which is emptied and written again
 */
export type FileDefect =
  | 'no-fsync'
  | 'fsync-before-write'
  | 'no-directory-fsync'
  | 'rename-before-fsync'
  | 'hard-state-in-place';

/** The file system as an engine sees it that is written like this. */
export function brokenFileIo(io: FileIo, defect: FileDefect): FileIo {
  const broken: FileIo = {
    open: async (path, mode, options) =>
      breakHandle(await io.open(path, mode, { ...options, syncWrites: false }), defect, options?.syncWrites === true),
    list: (directory) => io.list(directory),
    kind: (path) => io.kind(path),
    makeDirectory: (path) => io.makeDirectory(path),
    rename: (from, to) => io.rename(from, to),
    remove: (path) => io.remove(path),
    syncDirectory: async (path) => {
      if (defect !== 'no-fsync' && defect !== 'no-directory-fsync') await io.syncDirectory(path);
    },
    lock: (path) => io.lock(path),
  };
  if (defect === 'rename-before-fsync') return renamesFirst(io, broken);
  return defect === 'hard-state-in-place' ? { ...broken, ...inOnePlace(io) } : broken;
}

function breakHandle(handle: FileHandle, defect: FileDefect, syncsWrites: boolean): FileHandle {
  const sync = async (): Promise<void> => {
    if (defect !== 'no-fsync') await handle.datasync();
  };
  return {
    read: (into, position) => handle.read(into, position),
    write: async (chunks, position) => {
      if (syncsWrites && defect === 'fsync-before-write') await sync();
      await handle.write(chunks, position);
      if (syncsWrites && defect !== 'fsync-before-write') await sync();
    },
    datasync: async () => {
      if (defect !== 'fsync-before-write') await sync();
    },
    truncate: (size) => handle.truncate(size),
    size: () => handle.size(),
    close: () => handle.close(),
  };
}

/** What is written to a file before it is renamed is synced after that. */
function renamesFirst(io: FileIo, right: FileIo): FileIo {
  const unsynced = new Map<string, FileHandle>();
  return {
    ...right,
    open: async (path, mode, options) => {
      if (mode !== 'create-new' && mode !== 'create') return right.open(path, mode, options);
      const handle = await io.open(path, mode, { ...options, syncWrites: false });
      unsynced.set(path, handle);
      const isNew = (): boolean => unsynced.get(path) === handle;
      return {
        ...breakHandle(handle, 'rename-before-fsync', false),
        write: async (chunks, position) => {
          await handle.write(chunks, position);
          if (!isNew()) await handle.datasync();
        },
        datasync: async () => {
          if (!isNew()) await handle.datasync();
        },
        close: async () => {
          if (isNew()) unsynced.delete(path);
          await handle.close();
        },
      };
    },
    rename: async (from, to) => {
      const handle = unsynced.get(from);
      unsynced.delete(from);
      await io.rename(from, to);
      await io.syncDirectory(dirname(to));
      await handle?.datasync();
    },
  };
}

function inOnePlace(io: FileIo): Pick<FileIo, 'open' | 'kind'> {
  const one = (path: string): string => path.replace(/hardstate\.b$/, 'hardstate.a');
  return {
    kind: (path) => io.kind(one(path)),
    open: async (path, mode, options) => {
      if (!/hardstate\.[ab]$/.test(path)) return io.open(path, mode, options);
      const handle = await io.open(one(path), mode === 'create-new' ? 'create' : mode, {});
      return {
        ...breakHandle(handle, 'hard-state-in-place', true),
        write: async (chunks, position) => {
          await handle.truncate(0);
          await handle.write(chunks, position);
          await handle.datasync();
        },
      };
    },
  };
}
