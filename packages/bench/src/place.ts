import { mkdtempSync, rmSync, statfsSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/** Numbers by which Linux tells file systems apart (`statfs(2)`). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  801189825: 'zfs',
  2035054128: 'overlayfs',
  26985: 'nfs',
  4076150800: 'f2fs',
  16914836: 'tmpfs',
  2240043254: 'ramfs',
};

/** The type of the file system that holds `directory`. */
export function fileSystemOf(directory: string): string {
  const { type } = statfsSync(directory);
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`;
}

/** Throws a sentence unless figures from this directory say something about a disk. */
export function checkDirectory(directory: string, allowTmpfs: boolean): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new RangeError(`--directory must be an existing directory, but is "${directory}".`);
  }
  const type = fileSystemOf(directory);
  if (!allowTmpfs && ['tmpfs', 'ramfs'].includes(type)) {
    throw new RangeError(
      `${directory} is in memory (${type}), where a sync costs nothing. Name a directory on a disk with --directory, or say --allow-tmpfs.`,
    );
  }
}

/** Runs `work` with an empty directory below `directory`, which is removed at the end, also on Ctrl-C. */
export async function inFreshDirectory<Result>(
  directory: string,
  work: (parent: string) => Promise<Result>,
): Promise<Result> {
  const parent = mkdtempSync(join(directory, 'raftlog-bench-'));
  // Trials that are still running are ended by handlers of their own, and may be at work for another moment.
  const remove = (): void => rmSync(parent, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  const stop = (signal: 'SIGINT' | 'SIGTERM'): void => process.exit(128 + constants.signals[signal]);
  process.once('exit', remove).once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return await work(parent);
  } finally {
    remove();
    process.off('exit', remove).off('SIGINT', stop).off('SIGTERM', stop);
  }
}
