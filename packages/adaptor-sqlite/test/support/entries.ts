import { type Entry, isStorageError, type StorageErrorCode } from '@raftlog/adaptor-sqlite';
import { expect } from 'vitest';

/** Entries `first` to `last` of term 1 that can be told apart. */
export function entries(first: number, last: number, bytes = 256): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, position) => {
    const index = first + position;
    return { index, term: 1, kind: 'command', data: new Uint8Array(Buffer.alloc(bytes, `entry ${index} `)) };
  });
}

/** Demands that `work` rejects with this code, and hands out the error. */
export async function rejection(code: StorageErrorCode, work: Promise<unknown>): Promise<Error> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome, 'it resolved').toBeInstanceOf(Error);
  expect(isStorageError(outcome) ? outcome.code : outcome).toBe(code);
  return outcome as Error;
}
