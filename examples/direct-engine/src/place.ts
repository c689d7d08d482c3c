import { dirname, join } from 'node:path';
import { type FileIo, type FileLock, StorageError } from '@raftlog/core';
import { makeDirectories, temporaryName } from './files.ts';
import { HardStatePair, hardStateNames } from './hard-state-pair.ts';

const journalName = 'direct.journal';
const lockName = 'direct.lock';
const snapshotsName = 'direct.snapshots';
const ownNames = new Set([journalName, temporaryName(journalName), lockName, snapshotsName, ...hardStateNames]);

/** The directory of one engine, locked. */
export interface Place {
  readonly directory: string;
  readonly journal: string;
  readonly snapshots: string;
  readonly lock: FileLock;
  /** False: the store has to be made; what may be there is left over from a creation that was interrupted. */
  readonly complete: boolean;
}

/** Locks the directory, making it if need be. Refuses one that isn't this engine's, and leaves no trace in it. */
export async function claim(io: FileIo, directory: string): Promise<Place> {
  const kind = await io.kind(directory);
  if (kind !== undefined && kind !== 'directory') {
    throw foreign(directory, kind === 'file' ? 'a file' : 'something that is no directory');
  }
  if (kind === undefined) await makeDirectories(io, directory);
  refuseForeign(directory, await io.list(directory));
  const lock = await io.lock(join(directory, lockName));
  if (!lock) {
    const message = `Another engine has ${directory} open. Close it first.`;
    throw new StorageError('LOCKED', message, { path: directory });
  }
  try {
    const names = await io.list(directory);
    refuseForeign(directory, names);
    const complete = names.includes(journalName);
    const place = {
      directory,
      journal: join(directory, journalName),
      snapshots: join(directory, snapshotsName),
      lock,
      complete,
    };
    if (!complete) await refuseRemains(io, place);
    else if (!names.includes(snapshotsName)) throw missing(place.snapshots);
    return place;
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Makes everything but the journal. Its appearance is what completes the store. */
export async function makeStore(io: FileIo, place: Place): Promise<void> {
  await HardStatePair.create(io, place.directory);
  await io.makeDirectory(place.snapshots);
  await io.syncDirectory(place.directory);
  // The one who made the directory need not have synced its parent.
  await io.syncDirectory(dirname(place.directory));
}

function refuseForeign(directory: string, names: readonly string[]): void {
  const others = names.filter((name) => !ownNames.has(name));
  if (!names.includes(journalName) && others.length > 0) throw foreign(directory, others.sort().join(', '));
}

function foreign(path: string, found: string): StorageError<'FOREIGN_DIRECTORY'> {
  const message = `${path} is not a directory of this engine: it holds ${found}. Nothing was changed. Choose an empty one.`;
  return new StorageError('FOREIGN_DIRECTORY', message, { path, found });
}

async function refuseRemains(io: FileIo, place: Place): Promise<void> {
  const snapshots = (await io.kind(place.snapshots)) === 'directory' ? await io.list(place.snapshots) : [];
  if (snapshots.length === 0 && !(await HardStatePair.wasComplete(io, place.directory))) return;
  throw missing(place.journal);
}

function missing(path: string): StorageError<'CORRUPTION'> {
  const message = `${path} is missing, but the rest of the store is there. Nothing was changed. Restore the directory, or remove it and let the node join anew.`;
  return new StorageError('CORRUPTION', message, { path });
}
