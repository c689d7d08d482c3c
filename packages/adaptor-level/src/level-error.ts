import { isStorageError, StorageError } from '@raftlog/core';

/** What the driver hands over of the system's error is its text. */
const FULL = /No space left on device|Disk quota exceeded|File too large/;
const DENIED = /Permission denied|Operation not permitted|Read-only file system/;

// How the driver says that a table ends before its own index does: it maps tables into memory.
const CUT = /\.(ldb|sst): Invalid argument$/;

/** What a failure of LevelDB means to the user; the driver's own error stays as `cause`. */
export function levelError(error: unknown, operation: string, path: string): StorageError {
  if (isStorageError(error)) return error;
  const cause = rootOf(error);
  const what = `LevelDB could not ${operation} in ${path}: ${cause.message}`;
  if (cause.code === 'LEVEL_LOCKED') {
    return new StorageError('LOCKED', `${what}. Close whatever has it open first.`, { path }, { cause });
  }
  if (cause.code === 'LEVEL_CORRUPTION' || CUT.test(cause.message)) {
    return new StorageError(
      'CORRUPTION',
      `${what}. Restore the directory from a backup, or rebuild this node from its peers.`,
      { path },
      { cause },
    );
  }
  if (FULL.test(cause.message)) {
    return new StorageError('NO_SPACE', `${what}. Free space, then open the engine again.`, { path }, { cause });
  }
  if (DENIED.test(cause.message)) {
    return new StorageError(
      'PERMISSION_DENIED',
      `${what}. Give the process the right to read and write there, then open the engine again.`,
      { path },
      { cause },
    );
  }
  return new StorageError(
    'STORE_FAILED',
    `${what}. Look after the cause, then open the engine again: it shows what is durable.`,
    { operation },
    { cause },
  );
}

/** The driver wraps what made an open fail. */
function rootOf(error: unknown): Error & { readonly code?: unknown } {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error ? rootOf(error.cause) : error;
}
