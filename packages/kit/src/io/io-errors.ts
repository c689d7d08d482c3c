import { type AnyStorageError, isStorageError, StorageError } from '@raftlog/core';

/**
 * What a failed file operation means to the user. `operation` says what was being done, such as `write the hard state`.
 * An error that is a `StorageError` already comes back as it is; everything else is kept as `cause`.
 */
export function toStorageError(error: unknown, operation: string, path?: string): AnyStorageError {
  if (isStorageError(error)) return error;
  const where = path === undefined ? '' : ` at ${path}`;
  const what = `could not ${operation}${where}: ${messageOf(error)}`;
  const details = path === undefined ? {} : { path };
  const options = { cause: error };
  switch (errorCodeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new StorageError(
        'NO_SPACE',
        `${what}. Free space or raise the quota, then open the store again.`,
        details,
        options,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageError(
        'PERMISSION_DENIED',
        `${what}. Give the process the right to read and write there, or choose another directory.`,
        details,
        options,
      );
    case 'ENOTDIR':
      return new StorageError(
        'FOREIGN_DIRECTORY',
        `${what}. A part of the path is a file: choose another directory.`,
        { path: path ?? '', found: 'a file' },
        options,
      );
    default:
      return new StorageError(
        'STORE_FAILED',
        `${what}. Look after the cause, then open the store again: it shows what is durable.`,
        { operation },
        options,
      );
  }
}

/** The `code` of a system error, such as `ENOENT`; `undefined` for anything else. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
