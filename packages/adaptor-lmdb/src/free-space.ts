import { statfsSync } from 'node:fs';

// More than a commit writes besides its blocks: pages of the trees.
const ALWAYS_LEFT = 1024 * 1024;

/**
 * Throws where a commit that puts this many bytes might fill the device. That has to be found out beforehand: lmdb-js describes a failed write in a
 * buffer that is too small for what it says, and the process may end of it.
 */
export function checkFreeSpace(directory: string, bytes: number): void {
  // Not awaited: it takes microseconds, less than the way to another thread. The system has the numbers in memory.
  const { bavail, bsize } = statfsSync(directory);
  // Twice, because blocks take whole pages.
  const needed = ALWAYS_LEFT + 2 * bytes;
  if (bavail * bsize >= needed) return;
  const message = `ENOSPC: ${bavail * bsize} bytes are left of the device of ${directory}, and a commit might take ${needed}`;
  throw Object.assign(new Error(message), { code: 'ENOSPC' });
}
