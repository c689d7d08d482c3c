import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileIo, StorageError } from '@raftlog/core';

// LMDB has three files open, and a fourth for a moment.
const OPEN_FILES = 4;
// More than LMDB's table of readers takes.
const LOCK_FILE_BYTES = 16 * 1024;

/**
 * Rejects where LMDB could not be opened in `directory`. It has to be tried beforehand: when LMDB can't be opened, lmdb-js goes on with memory that it
 * has freed, which more often than not ends the process.
 */
export async function tryBeforeOpening(fileIo: FileIo, directory: string, mapSize: number): Promise<void> {
  await checkAddressSpace(mapSize);
  const path = join(directory, 'lock.mdb');
  const opening = Array.from({ length: OPEN_FILES }, () => fileIo.open(path, 'create'));
  const files = (await Promise.allSettled(opening)).flatMap((open) =>
    open.status === 'fulfilled' ? [open.value] : [],
  );
  try {
    const [file] = await Promise.all(opening);
    // LMDB writes it through a map: where the device has no room for a page of it, that ends the process as well.
    if (file !== undefined && (await file.size()) < LOCK_FILE_BYTES)
      await file.write([Buffer.alloc(LOCK_FILE_BYTES)], 0);
  } finally {
    for (const file of files) await file.close();
  }
}

/** Linux only: elsewhere a limit on address space is rare, and not to be found out so easily. */
async function checkAddressSpace(mapSize: number): Promise<void> {
  if (process.platform !== 'linux') return;
  const limit = numberIn(await readFile('/proc/self/limits', 'utf8'), /^Max address space +(\d+)/m);
  if (limit === undefined) return;
  const used = 1024 * (numberIn(await readFile('/proc/self/status', 'utf8'), /^VmSize:\s+(\d+) kB/m) ?? 0);
  if (used + mapSize <= limit) return;
  throw new StorageError(
    'INVALID_ARGUMENT',
    `mapSize is ${mapSize}, but of the address space of this process (ulimit -v) only ${limit - used} bytes are left. Lower mapSize, or raise the limit.`,
    { argument: 'mapSize', received: String(mapSize) },
  );
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
