import { getSystemErrorName } from 'node:util';

/** Why a commit failed: `error` itself only says where to find it. */
export async function causeOfFailedCommit(error: unknown): Promise<unknown> {
  return namedSystemError(await commitErrorOf(error));
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
