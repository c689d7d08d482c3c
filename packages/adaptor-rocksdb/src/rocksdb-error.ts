import { isStorageError, StorageError } from '@raftlog/core';

/** The driver has the system's errors as text only. */
const FULL = /No space left on device|Disk quota exceeded|File too large/;
const DENIED = /Permission denied|Operation not permitted|Read-only file system/;
/** A file that the manifest names and that is gone is no corruption to RocksDB, but to us. */
const MISSING = /No such file or directory/;

/** What a failure of RocksDB means to the user; the driver's own error stays as `cause`. `operation` as in "could not commit". */
export function rocksdbError(error: unknown, operation: string, path: string): StorageError {
  if (isStorageError(error)) return error;
  const cause = rootOf(error);
  const what = `RocksDB could not ${operation} in ${path}: ${cause.message}`;
  if (cause.code === 'LEVEL_CORRUPTION' || MISSING.test(cause.message)) {
    const advice = 'Restore the directory from a backup, or rebuild this node from its peers.';
    return new StorageError('CORRUPTION', `${what}. ${advice}`, { path }, { cause });
  }
  if (cause.code === 'LEVEL_LOCKED') {
    return new StorageError('LOCKED', `${what}. Close whatever has it open first.`, { path }, { cause });
  }
  if (FULL.test(cause.message)) {
    return new StorageError('NO_SPACE', `${what}. Free space, then open the engine again.`, { path }, { cause });
  }
  if (DENIED.test(cause.message)) {
    const advice = 'Give the process the right to read and write there, then open the engine again.';
    return new StorageError('PERMISSION_DENIED', `${what}. ${advice}`, { path }, { cause });
  }
  if (cause.message.includes('No native build was found')) {
    const platform = `${process.platform}-${process.arch}`;
    const advice = 'Use another adaptor there, or build @nxtedition/rocksdb from its sources.';
    const feature = `RocksDB on ${platform}`;
    return new StorageError(
      'UNSUPPORTED',
      `The driver has no binary for ${platform}. ${advice}`,
      { feature },
      { cause },
    );
  }
  const advice = 'Look after the cause, then open the engine again: it shows what is durable.';
  return new StorageError('STORE_FAILED', `${what}. ${advice}`, { operation }, { cause });
}

/** A store that was made whole has no database any more. */
export function missingDatabase(path: string): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `${path} holds no RocksDB although this store was made whole: its log is gone. Restore the directory from a backup, or rebuild this node from its peers.`,
    { path },
  );
}

/** The write-ahead log ends before what is known to have been durable. RocksDB would open without a word. */
export function lostCommits(path: string, last: number, witnessed: number): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `The write-ahead log in ${path} can be read up to commit ${last}, but ${witnessed} was durable: acknowledged entries are lost. Nothing was changed. Open with onCorruption: 'salvage' and repair them from a peer, or restore a backup.`,
    { path },
  );
}

/** The driver wraps what made an open fail into an error that says no more than that. */
function rootOf(error: unknown): Error & { readonly code?: unknown } {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? rootOf(error.cause) : error;
}
