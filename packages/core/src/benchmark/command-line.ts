import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Runs `work` with an empty directory below `directory` and a line for what is going on. The directory is removed at the end, also
 * on Ctrl-C.
 */
export async function atPlace(
  directory: string,
  work: (parent: string, status: StatusLine) => Promise<number>,
): Promise<number> {
  const parent = mkdtempSync(join(directory, 'raftlog-bench-'));
  const remove = (): void => rmSync(parent, { recursive: true, force: true });
  const stop = (signal: 'SIGINT' | 'SIGTERM'): void => process.exit(128 + constants.signals[signal]);
  process.once('exit', remove).once('SIGINT', stop).once('SIGTERM', stop);
  const status = new StatusLine();
  try {
    return await work(parent, status);
  } finally {
    status.clear();
    remove();
    process.off('exit', remove).off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** pnpm hands on the `--` that separates its own arguments from the script's. */
export function ownArguments(argv: readonly string[]): string[] {
  return argv.filter((argument, i) => i !== 0 || argument !== '--');
}

/** A package's script runs in the package; what the user names is relative to where the user is. */
export function userPath(path: string): string {
  return resolve(process.env.RAFTLOG_CWD ?? process.env.INIT_CWD ?? '.', path);
}

export function existingDirectory(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  throw new RangeError(`--directory must be an existing directory, but is "${path}".`);
}

export function count(name: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replaceAll('_', ''));
  if (text !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} must be a whole number of at least ${least}, but is "${text}".`);
}

export function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** What is going on, on one line that is written over; nothing where there is no terminal. */
export class StatusLine {
  show(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}
