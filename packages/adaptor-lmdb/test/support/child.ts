import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a script of this directory, under strace if arguments for it are given, on one thread for file work. */
export function runChild(
  script: string,
  args: readonly string[],
  strace: readonly string[] = [],
): SpawnSyncReturns<string> {
  const node = [process.execPath, fileURLToPath(new URL(script, import.meta.url)), ...args];
  const [command = '', ...rest] =
    strace.length === 0 ? node : ['strace', '-f', '-qq', '-o', '/dev/null', ...strace, ...node];
  return spawnSync(command, rest, { encoding: 'utf8', env: { ...process.env, UV_THREADPOOL_SIZE: '1' } });
}
