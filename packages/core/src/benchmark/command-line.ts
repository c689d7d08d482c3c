import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** What every benchmark takes, for `parseArgs`. */
export const commonOptions: {
  readonly payload: { readonly type: 'string' };
  readonly rounds: { readonly type: 'string' };
  readonly directory: { readonly type: 'string'; readonly default: string };
  readonly json: { readonly type: 'string' };
  readonly help: { readonly type: 'boolean'; readonly default: false };
} = {
  payload: { type: 'string' },
  rounds: { type: 'string' },
  directory: { type: 'string', default: tmpdir() },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
};

/** The part of a usage text that is about {@link commonOptions}. */
export const commonUsage: string = `  --payload BYTES       data of each entry (256)
  --rounds N            measured rounds of each figure (5)
  --directory DIR       an existing directory on the disk to be measured (the system's for temporary files)
  --json FILE           also write the results there
  --help

Exits 1 if a target is missed, 2 if the arguments make no sense.`;

/** {@link commonOptions}, checked. */
export interface CommonArguments {
  readonly payload: number | undefined;
  readonly rounds: number | undefined;
  readonly directory: string;
  readonly json: string | undefined;
  readonly help: boolean;
}

/** Checks what `parseArgs` found; throws a sentence on what is wrong. */
export function commonArguments(values: {
  readonly payload?: string | undefined;
  readonly rounds?: string | undefined;
  readonly directory: string;
  readonly json?: string | undefined;
  readonly help: boolean;
}): CommonArguments {
  return {
    payload: count('payload', values.payload, 0),
    rounds: count('rounds', values.rounds),
    directory: existingDirectory(userPath(values.directory)),
    json: values.json === undefined ? undefined : userPath(values.json),
    help: values.help,
  };
}

/** Runs a benchmark's command; resolves to its exit code. What `parse` throws is shown with the usage. */
export async function runCommand<Arguments extends CommonArguments>(
  usage: string,
  parse: () => Arguments,
  work: (args: Arguments, parent: string, status: StatusLine) => Promise<number>,
): Promise<number> {
  let args: Arguments;
  try {
    args = parse();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (args.help) {
    console.log(usage);
    return 0;
  }
  return atPlace(args.directory, (parent, status) => work(args, parent, status));
}

/**
 * Runs `work` with an empty directory below `directory` and a line for what is going on. The directory is removed at the end, also
 * on Ctrl-C.
 */
async function atPlace(
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
function userPath(path: string): string {
  return resolve(process.env.RAFTLOG_CWD ?? process.env.INIT_CWD ?? '.', path);
}

function existingDirectory(path: string): string {
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
