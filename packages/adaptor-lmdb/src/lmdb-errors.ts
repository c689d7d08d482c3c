import { statfs } from 'node:fs/promises';
import { getSystemErrorName } from 'node:util';

/** Less than this is left of a device that became full in the middle of a write. */
const NEARLY_NOTHING = 1024 * 1024;

/** Why a commit failed: `error` itself only says where to find it. */
export async function causeOfFailedCommit(error: unknown, directory: string): Promise<unknown> {
  const cause = namedSystemError(await commitErrorOf(error));
  const isUnexplained = cause instanceof Error && 'code' in cause && cause.code === 'EIO';
  // LMDB says so of every write that was cut short, as the one is that fills a device.
  if (!isUnexplained || !(await isFull(directory))) return cause;
  return Object.assign(new Error(`ENOSPC: ${cause.message}`, { cause }), { code: 'ENOSPC' });
}

/** Gives the error of a system call the name as its `code` that Node's own errors have, and that the kit knows: lmdb-js has the number there. */
export function namedSystemError(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'number' && error.code > 0)) return error;
  const code = getSystemErrorName(-error.code);
  return Object.assign(new Error(`${code}: ${error.message}`, { cause: error }), { code });
}

async function commitErrorOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  return Promise.resolve(error.commitError).then(
    () => error,
    (cause: unknown) => cause,
  );
}

async function isFull(directory: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize < NEARLY_NOTHING;
  } catch {
    return false;
  }
}
