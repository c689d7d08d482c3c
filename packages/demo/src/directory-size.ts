import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Bytes that the files below a directory take on the disk, where the system tells; otherwise their lengths. */
function directorySize(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const stats = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    if (stats !== undefined) bytes += process.platform === 'win32' ? stats.size : stats.blocks * 512;
  }
  return bytes;
}

/** The size once it has not changed for a moment: space comes back in the background. */
export async function settledDirectorySize(directory: string): Promise<number> {
  let size = directorySize(directory);
  for (let unchanged = 0, left = 40; unchanged < 3 && left > 0; left--) {
    await setTimeout(50);
    const now = directorySize(directory);
    unchanged = now === size ? unchanged + 1 : 0;
    size = now;
  }
  return size;
}
