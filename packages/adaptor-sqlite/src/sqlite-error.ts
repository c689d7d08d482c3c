import { isStorageError, StorageError } from '@raftlog/core';

const DAMAGE: readonly string[] = [
  'SQLITE_CORRUPT',
  'SQLITE_NOTADB',
  'SQLITE_MISMATCH',
  'SQLITE_IOERR_CORRUPTFS',
  // The file ends in front of a page.
  'SQLITE_IOERR_SHORT_READ',
  // A statement of ours makes no sense to the database: its schema is not what it was.
  'SQLITE_ERROR',
];

/** What an error of SQLite means to the user; a `StorageError` comes back as it is. `operation` as in "could not commit". */
export function sqliteError(error: unknown, operation: string, path: string): StorageError {
  if (isStorageError(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no code';
  const message = error instanceof Error ? error.message : String(error);
  const what = `SQLite could not ${operation} at ${path}: ${message} (${code})`;
  const options = { cause: error };
  // Extended codes follow their primary one: SQLITE_CORRUPT_INDEX.
  const is = (...names: readonly string[]): boolean =>
    names.some((name) => code === name || code.startsWith(`${name}_`));
  if (is(...DAMAGE)) return damagedDatabase(what, path, options);
  // The second is what it calls a full disk that has no room for the index of the WAL.
  if (is('SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE')) {
    const advice = 'Free space or raise the quota, then open the store again.';
    return new StorageError('NO_SPACE', `${what}. ${advice}`, { path }, options);
  }
  if (is('SQLITE_READONLY', 'SQLITE_PERM', 'SQLITE_AUTH')) {
    const advice = 'Give the process the right to read and write there, or choose another directory.';
    return new StorageError('PERMISSION_DENIED', `${what}. ${advice}`, { path }, options);
  }
  if (is('SQLITE_BUSY') && operation === 'open') {
    const advice = 'Another program has it open: close it there, then open the store again.';
    return new StorageError('LOCKED', `${what}. ${advice}`, { path }, options);
  }
  const advice = 'Look after the cause, then open the store again: it shows what is durable.';
  return new StorageError('STORE_FAILED', `${what}. ${advice}`, { operation }, options);
}

/** `what` as the start of a sentence, without its full stop. */
export function damagedDatabase(
  what: string,
  path: string,
  more: { readonly offset?: number; readonly cause?: unknown } = {},
): StorageError<'CORRUPTION'> {
  const { offset, cause } = more;
  const advice = 'Nothing was changed. Restore the directory from a backup, or rebuild this node from its peers.';
  const details = offset === undefined ? { path } : { path, offset };
  return new StorageError('CORRUPTION', `${what}. ${advice}`, details, cause === undefined ? undefined : { cause });
}
