import { randomUUID } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { type FileIo, type FileLock, isStorageError, StorageError } from '@raftlog/core';
import { errorCodeOf, toStorageError } from '../io/io-errors.ts';
import { CREATING_FILE, type DirectoryMarker, encodeMarker, MARKER_FILE, readMarker } from './directory-marker.ts';
import { HARD_STATE_FILES } from './hard-state-files.ts';
import { WITNESS_FILE } from './witness.ts';

/** Held by whoever has the directory open. Not `LOCK`: LevelDB and RocksDB call theirs so, and we must not touch it. */
const LOCK_FILE = 'raftlog.lock';

const BLOCKS_DIRECTORY = 'blocks';
export const SNAPSHOTS_DIRECTORY = 'snapshots';

export interface EngineDirectoryOptions {
  /** As the user gave it; relative to the working directory. Made, with its parents, if it is missing. */
  readonly directory: string;
  /** Package name of the adaptor; a directory of another one is refused. */
  readonly adaptor: string;
  readonly io: FileIo;
  /** Whether the adaptor keeps its blocks in a subdirectory. */
  readonly blocks: boolean;
}

/** An engine's directory, open and locked. */
export interface EngineDirectory {
  /** True: it was made now, and everything in it has yet to be made, then {@link completeCreation}. */
  readonly created: boolean;
  readonly storeId: string;
  /** Absolute. */
  readonly path: string;
  /** Subdirectory of the block store; empty string if it needs none. */
  readonly blocks: string;
  readonly snapshots: string;
  /** Makes the directory whole; only then may anything be acknowledged. Does nothing if it was whole. */
  completeCreation(): Promise<void>;
  /** Frees the lock. Idempotent. */
  release(): Promise<void>;
}

/** What the names and the marker in a directory say. */
type Contents =
  | { readonly state: 'empty' | 'creating' }
  | { readonly state: 'whole'; readonly marker: DirectoryMarker };

/**
 * Opens a directory or makes one. A directory that is refused (`FOREIGN_DIRECTORY`, `UNSUPPORTED_FORMAT`, `CORRUPTION`,
 * `LOCKED`, `PERMISSION_DENIED`, `INVALID_ARGUMENT`) is left as it was, without a new file.
 */
export async function openEngineDirectory(options: EngineDirectoryOptions): Promise<EngineDirectory> {
  const path = checkedPath(options.directory);
  try {
    return await openAt(path, options);
  } catch (error) {
    throw toStorageError(error, 'open the directory', path);
  }
}

async function openAt(path: string, options: EngineDirectoryOptions): Promise<EngineDirectory> {
  const { io } = options;
  const kind = await io.kind(path);
  if (kind === undefined) await makeDirectories(path, io);
  else if (kind !== 'directory') throw notADirectory(path);

  const names = await io.list(path);
  const lockMade = !names.includes(LOCK_FILE);
  // Looked at before the lock file is made, so that a refused directory stays as it is. Where there is a lock file but
  // no marker, its holder may be renaming the marker right now: what that looks like counts only under the lock.
  if (lockMade || names.includes(MARKER_FILE)) await inspect(path, names, options);

  const lock = await io.lock(join(path, LOCK_FILE));
  if (lock === undefined) {
    throw new StorageError(
      'LOCKED',
      `${path} is open in another engine, in this process or another one. Close it there first.`,
      { path },
    );
  }
  try {
    return await openLocked(path, lock, options);
  } catch (error) {
    if (lockMade) await removeLockUnlessInUse(path, io);
    await lock.release();
    throw error;
  }
}

async function openLocked(path: string, lock: FileLock, options: EngineDirectoryOptions): Promise<EngineDirectory> {
  const { adaptor, io } = options;
  const names = await io.list(path);
  const contents = await inspect(path, names, options);
  if (contents.state === 'whole') {
    // Left by no path of this code, but were the marker ever lost, it would pass this store off as an unfinished one.
    if (names.includes(CREATING_FILE)) {
      await io.remove(join(path, CREATING_FILE));
    }
    // The process that made the directory may have been killed between renaming the marker and syncing that: we see the
    // new name, the disk may still have the old one, and a power cut would hand the store to the next open as unfinished.
    await io.syncDirectory(path);
    return engineDirectory(path, contents.marker.storeId, false, lock, options);
  }
  const storeId = randomUUID();
  if (contents.state === 'creating') await removeUnfinished(path, names, io);
  await beginCreation(path, { adaptor, storeId, groupId: null }, contents.state === 'empty', io);
  const directory = engineDirectory(path, storeId, true, lock, options);
  for (const subdirectory of subdirectoriesOf(directory)) await io.makeDirectory(subdirectory);
  return directory;
}

/** What the directory is to an engine of this adaptor. Throws where it must not be touched. */
async function inspect(path: string, names: readonly string[], options: EngineDirectoryOptions): Promise<Contents> {
  if (names.includes(MARKER_FILE)) {
    const marker = await readMarker(path, MARKER_FILE, options.io);
    refuseOtherAdaptor(path, marker, options.adaptor);
    return { state: 'whole', marker };
  }
  if (names.includes(CREATING_FILE)) {
    const marker = await readUnfinishedMarker(path, options.io);
    if (marker !== undefined) refuseOtherAdaptor(path, marker, options.adaptor);
    return { state: 'creating' };
  }
  const others = names.filter((name) => name !== LOCK_FILE && name !== 'lost+found');
  if (others.length === 0) return { state: 'empty' };
  if (HARD_STATE_FILES.some((name) => others.includes(name))) {
    const marker = join(path, MARKER_FILE);
    throw new StorageError(
      'CORRUPTION',
      `${path} holds a store without its marker ${MARKER_FILE}. Restore the marker from a backup of this directory.`,
      { path: marker },
    );
  }
  const found = others.slice(0, 5).sort().join(', ');
  throw new StorageError(
    'FOREIGN_DIRECTORY',
    `${path} is not empty and not a store of Raftlog: it holds ${found}. Choose an empty or a new directory.`,
    { path, found },
  );
}

function refuseOtherAdaptor(path: string, marker: DirectoryMarker, adaptor: string): void {
  if (marker.adaptor === adaptor) return;
  throw new StorageError(
    'FOREIGN_DIRECTORY',
    `${path} was made by ${marker.adaptor}, not by ${adaptor}. Open it with ${marker.adaptor}, or choose another directory.`,
    { path, found: marker.adaptor },
  );
}

// A torn or unreadable one is what a power cut leaves of a creation; there is nothing to lose beside it.
async function readUnfinishedMarker(path: string, io: FileIo): Promise<DirectoryMarker | undefined> {
  try {
    return await readMarker(path, CREATING_FILE, io);
  } catch (error) {
    if (isStorageError(error, 'CORRUPTION')) return undefined;
    throw error;
  }
}

/**
 * Writes the marker under the name that says "unfinished" and makes that durable, before anything else is made: from
 * here to the rename a crash leaves a directory that the next open clears.
 */
async function beginCreation(path: string, marker: DirectoryMarker, empty: boolean, io: FileIo): Promise<void> {
  const creating = join(path, CREATING_FILE);
  const bytes = encodeMarker(marker);
  try {
    // In place where an earlier attempt left one: removed first, what lies beside it would have no marker at all.
    const file = await io.open(creating, 'create');
    try {
      await file.write([bytes], 0);
      await file.truncate(bytes.byteLength);
      await file.datasync();
    } finally {
      await file.close();
    }
    await io.syncDirectory(path);
    await syncAncestors(path, io);
  } catch (error) {
    // Nothing was made yet that it would have to vouch for: a full or read-only disk is left as it was.
    if (empty) await ignoreFailure(io.remove(creating));
    throw error;
  }
}

/** Removes the files of an unfinished creation. Directories stay: they are made again anyway. */
async function removeUnfinished(path: string, names: readonly string[], io: FileIo): Promise<void> {
  for (const name of [...HARD_STATE_FILES, WITNESS_FILE]) {
    if (names.includes(name)) await io.remove(join(path, name));
  }
  for (const name of [BLOCKS_DIRECTORY, SNAPSHOTS_DIRECTORY]) {
    if (names.includes(name)) await removeFilesBelow(join(path, name), io);
  }
  await io.syncDirectory(path);
}

async function removeFilesBelow(directory: string, io: FileIo): Promise<void> {
  for (const name of await io.list(directory)) {
    const path = join(directory, name);
    if ((await io.kind(path)) === 'directory') await removeFilesBelow(path, io);
    else await io.remove(path);
  }
  await io.syncDirectory(directory);
}

function engineDirectory(
  path: string,
  storeId: string,
  created: boolean,
  lock: FileLock,
  { io, blocks }: EngineDirectoryOptions,
): EngineDirectory {
  let released: Promise<void> | undefined;
  const directory: EngineDirectory = {
    created,
    storeId,
    path,
    blocks: blocks ? join(path, BLOCKS_DIRECTORY) : '',
    snapshots: join(path, SNAPSHOTS_DIRECTORY),
    async completeCreation() {
      if (!created) return;
      try {
        await completeCreation(directory, io);
      } catch (error) {
        throw toStorageError(error, 'complete the creation of the store', path);
      }
    },
    release() {
      released ??= lock.release();
      return released;
    },
  };
  return directory;
}

async function completeCreation(directory: EngineDirectory, io: FileIo): Promise<void> {
  // Every name that the marker vouches for is durable before the marker can be.
  for (const subdirectory of subdirectoriesOf(directory)) await io.syncDirectory(subdirectory);
  await io.syncDirectory(directory.path);
  await io.rename(join(directory.path, CREATING_FILE), join(directory.path, MARKER_FILE));
  await io.syncDirectory(directory.path);
}

function subdirectoriesOf({ blocks, snapshots }: EngineDirectory): string[] {
  return blocks === '' ? [snapshots] : [blocks, snapshots];
}

/** Makes a directory and its parents, each durable before the next: a store whose path a power cut can take is not durable. */
async function makeDirectories(path: string, io: FileIo): Promise<void> {
  const parent = dirname(path);
  if (parent !== path && (await io.kind(parent)) === undefined) await makeDirectories(parent, io);
  await io.makeDirectory(path);
  await io.syncDirectory(parent);
}

/**
 * Whoever made the directories above, the user a moment ago or a process of ours that was killed, may not have synced
 * them. Those that can't be opened or synced are older than us, and left to who made them.
 */
async function syncAncestors(path: string, io: FileIo): Promise<void> {
  const parent = dirname(path);
  if (parent === path) return;
  try {
    await io.syncDirectory(parent);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EINVAL', 'EROFS'].includes(errorCodeOf(error) ?? '')) throw error;
  }
  await syncAncestors(parent, io);
}

async function removeLockUnlessInUse(path: string, io: FileIo): Promise<void> {
  await ignoreFailure(
    (async () => {
      if (!(await io.list(path)).includes(CREATING_FILE)) await io.remove(join(path, LOCK_FILE));
    })(),
  );
}

async function ignoreFailure(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch {
    // The error that led here is the one to report.
  }
}

function checkedPath(directory: unknown): string {
  if (typeof directory === 'string' && directory !== '' && !directory.includes('\0')) return resolve(directory);
  const received = typeof directory === 'string' ? JSON.stringify(directory) : typeof directory;
  throw new StorageError(
    'INVALID_ARGUMENT',
    `directory must be the path of a directory, not ${received}. Pass a non-empty string.`,
    { argument: 'directory', received },
  );
}

function notADirectory(path: string): StorageError<'FOREIGN_DIRECTORY'> {
  return new StorageError(
    'FOREIGN_DIRECTORY',
    `${path} is not a directory. Choose another path, or move the file away.`,
    { path, found: 'a file' },
  );
}
