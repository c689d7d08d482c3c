import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ADAPTOR_NAMES } from './contenders/names.ts';
import { type BenchOptions, GROUPS } from './options.ts';

const MIB = 2 ** 20;

export const USAGE: string = `bench: measures the adaptors in one run, each trial in a process of its own, against what the disk gives.

What:
  --peers                also the stores of Go's Raft nodes, and the table of targets
  --adaptors LIST        ${ADAPTOR_NAMES.join(',')} (all)
  --only LIST            ${GROUPS.join(',')} (all)
  --sustained MINUTES    also full write load for so long, with a purge
  --open-100m            also a log of 100,000,000 entries of 16 bytes: about 3 GB on the disk

How much:
  --batches LIST         entries in a call (1,100,1000,10000)
  --payloads LIST        bytes of each entry, 16 to 1 MiB; the first one is that of all but appends (256)
  --callers LIST         callers of single entries (1,64,1000)
  --in-flight LIST       calls of batches in flight, for the file adaptor (1,2,8)
  --log-length LIST      entries of the logs that are opened (10000,100000,1000000)
  --range-entries N      entries that are read, purged and truncated at once (10000)
  --cut-entries N        entries of the log that is purged and truncated (1000000)
  --memory-entries N     entries of the log that memory is measured with (10000000)
  --keep-mib N           what is kept under sustained load (1024)
  --runs N               trials of each kind, in turn with the others (5)
  --seconds N            what a trial of appends measures (2)
  --settle-mib N         written and purged before, where files are used again (192)

Where:
  --directory DIR        an existing directory on the disk to be measured (the system's for temporary files)
  --allow-tmpfs          even if it is in memory
  --json FILE, --markdown FILE, --html FILE

Ends with 1 if a target is missed or a trial fails, with 2 if the arguments make no sense.`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** Reads the arguments, or throws an error whose message says what is wrong. */
export function parseCommandLine(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    // pnpm hands on the `--` that separates its own arguments from the script's.
    args: argv.filter((argument, i) => i !== 0 || argument !== '--'),
    options: {
      peers: flag,
      adaptors: { ...text, default: ADAPTOR_NAMES.join() },
      only: { ...text, default: GROUPS.join() },
      sustained: text,
      'open-100m': flag,
      batches: { ...text, default: '1,100,1000,10000' },
      payloads: { ...text, default: '256' },
      callers: { ...text, default: '1,64,1000' },
      'in-flight': { ...text, default: '1,2,8' },
      'log-length': { ...text, default: '10000,100000,1000000' },
      'range-entries': { ...text, default: '10000' },
      'cut-entries': { ...text, default: '1000000' },
      'memory-entries': { ...text, default: '10000000' },
      'keep-mib': { ...text, default: '1024' },
      runs: { ...text, default: '5' },
      seconds: { ...text, default: '2' },
      'settle-mib': { ...text, default: '192' },
      directory: { ...text, default: tmpdir() },
      'allow-tmpfs': flag,
      json: text,
      markdown: text,
      html: text,
      help: flag,
    },
  });
  const whole = (name: keyof typeof values, least = 1): number => wholeNumber(name, String(values[name]), least);
  const list = (name: keyof typeof values, least = 1, most?: number): number[] =>
    items(name, values[name]).map((item) => wholeNumber(name, item, least, most));
  const options: BenchOptions = {
    adaptors: chosen('adaptors', values.adaptors, ADAPTOR_NAMES),
    groups: chosen('only', values.only, GROUPS),
    peers: values.peers,
    batches: list('batches'),
    payloads: list('payloads', 16, MIB),
    callers: list('callers'),
    inFlight: list('in-flight'),
    logLengths: list('log-length'),
    open100m: values['open-100m'],
    rangeEntries: whole('range-entries', 20),
    cutEntries: whole('cut-entries'),
    memoryEntries: whole('memory-entries'),
    runs: whole('runs'),
    seconds: positive('seconds', values.seconds),
    settleMiB: whole('settle-mib', 0),
    sustainedMinutes: values.sustained === undefined ? undefined : positive('sustained', values.sustained),
    keepMiB: whole('keep-mib'),
    directory: userPath(values.directory),
    allowTmpfs: values['allow-tmpfs'],
    json: values.json && userPath(values.json),
    markdown: values.markdown && userPath(values.markdown),
    html: values.html && userPath(values.html),
    help: values.help,
  };
  if (options.cutEntries < 2 * options.rangeEntries) {
    throw new RangeError('--cut-entries must be at least twice --range-entries: there would be nothing left to cut.');
  }
  return options;
}

/** The script runs in the root of the repository; what the user names is relative to where the user is. */
function userPath(path: string): string {
  return resolve(process.env.RAFTLOG_CWD ?? process.env.INIT_CWD ?? '.', path);
}

function chosen<Name extends string>(option: string, given: string, names: readonly Name[]): Name[] {
  return items(option, given).map((item) => {
    const name = names.find((each) => each === item);
    if (name === undefined) throw new RangeError(`--${option} takes ${names.join(', ')}, not "${item}".`);
    return name;
  });
}

function items(option: string, given: unknown): string[] {
  const found = new Set(String(given).split(','));
  if (found.has('')) throw new RangeError(`--${option} must be a list like "a,b", not "${given}".`);
  return [...found];
}

function wholeNumber(option: string, given: string, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  const value = Number(given.replaceAll('_', ''));
  if (given.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
  throw new RangeError(`--${option} must be a whole number, ${range}, not "${given}".`);
}

function positive(option: string, given: string): number {
  const value = Number(given);
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`--${option} must be a number above 0, not "${given}".`);
}
