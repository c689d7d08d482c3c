import { type AnyStorageError, isStorageError } from '@raftlog/core';

/** The `StorageError` that `work` rejects with. */
export async function errorOf(work: Promise<unknown>): Promise<AnyStorageError> {
  const error: unknown = await work.then(
    () => 'no error',
    (reason: unknown) => reason,
  );
  if (isStorageError(error)) return error;
  throw new Error('expected a StorageError', { cause: error });
}

/** The code that `work` rejects with. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await errorOf(work)).code;
}
