import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** A file of some thousands of lines that every clone has. */
const defaultInput = fileURLToPath(new URL('../../../pnpm-lock.yaml', import.meta.url));
const mostKills = 1_000;

export const usage: string = `Persists a real file, line by line, in a Raft log, while the writing process is killed again and again.

  --input FILE   the file (default: pnpm-lock.yaml of this repository)
  --kills N      how often the writing process is killed, 0 to ${mostKills} (3)
  --seed N       makes the kills come at the same places again (random)
  --keep         leave the log on the disk and say where it is
  --help

Exits 1 if anything that was acknowledged is missing or changed, 2 if the arguments or the file make no sense.`;

export interface DemoArguments {
  readonly input: string;
  readonly kills: number;
  readonly seed: number;
  readonly keep: boolean;
  readonly help: boolean;
}

/** Throws an `Error` that says what is wrong. */
export function parseArguments(argv: readonly string[]): DemoArguments {
  const { values, positionals } = parseArgs({
    args: argv.filter((argument, i) => i !== 0 || argument !== '--'),
    allowPositionals: true,
    options: {
      input: { type: 'string' },
      kills: { type: 'string' },
      seed: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (positionals.length > 0) {
    // npm takes an option for its own unless it stands behind `--`, and hands on what is left.
    throw new TypeError(`Unexpected argument "${positionals[0]}". With npm: npm run demo -- --input FILE`);
  }
  if (values.input === '') throw new RangeError('--input needs the name of a file.');
  return {
    input: values.input === undefined ? defaultInput : resolve(values.input),
    kills: wholeNumber('kills', values.kills, mostKills) ?? 3,
    seed: wholeNumber('seed', values.seed, 2 ** 32 - 1) ?? Math.floor(Math.random() * 2 ** 32),
    keep: values.keep,
    help: values.help,
  };
}

function wholeNumber(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text) && Number(text) <= most) return Number(text);
  throw new RangeError(`--${name} must be a whole number from 0 to ${most}, but is "${text}".`);
}
