import { isStorageError, StorageError } from '@raftlog/core';

interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
}

/** Node's error code, such as `ENOENT`, if `error` is one of Node's. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The error with the code of the contract where the operating system's has one; otherwise as it is. */
export function explained(error: unknown): unknown {
  if (isStorageError(error)) return error;
  const code = systemCode(error);
  if (code === undefined) return error;
  const { path } = error as SystemError;
  const details = path === undefined ? {} : { path };
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new StorageError('NO_SPACE', 'The device is full. Free some space.', details, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const message = 'The operating system refuses the access. Check the rights of the directory and its files.';
    return new StorageError('PERMISSION_DENIED', message, details, { cause: error });
  }
  return error;
}

/** What a call rejects with when the file system fails outside the commit queue: nothing is poisoned by it. */
export function asStorageError(operation: string, error: unknown): unknown {
  const known = explained(error);
  if (isStorageError(known)) return known;
  const message = `${operation} failed: ${error instanceof Error ? error.message : String(error)}. Try again.`;
  return new StorageError('STORE_FAILED', message, { operation }, { cause: error });
}
