import type { FileHandle, FileIo } from '@raftlog/core';

/** What a disk gives or fails to give as a whole. */
export const PAGE_BYTES = 4096;

/** Opens a file for one use. */
export async function withFile<T>(
  fileIo: FileIo,
  path: string,
  mode: 'read' | 'write',
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await fileIo.open(path, mode);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/** As `handle.read`, but what can't be read is as good as missing. */
export async function readIfReadable(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  try {
    return await handle.read(into, position);
  } catch (error) {
    if (isUnreadable(error)) return 0;
    throw error;
  }
}

/** The disk has the bytes and can't give them: damage like any other, and not the end of a file. */
export function isUnreadable(error: unknown): boolean {
  return codeOf(error) === 'EIO';
}

/** There is no room for what was to be written. */
export function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error) ?? '');
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
