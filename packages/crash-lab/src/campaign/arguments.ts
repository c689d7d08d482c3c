import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { CrashModel } from '../states/crash-disk.ts';

export const USAGE = `Proves what survives a power cut, a failing disk and damaged bytes.

  --builder MODULE      a module whose default export is a LabSubject; may be given more than once
  --only PARTS          some of states,faults,damage (all three)
  --states N            different crash states of each (20,000)
  --model ext4|weak     what a file system may lose (ext4)
  --operations N        operations of a recorded workload (40)
  --seed N              repeats the workloads and the choice of states (1)
  --processes N         states judged at once (2)
  --flips N             bytes that are flipped; the others are left out evenly (all)
  --json FILE           also writes the report there
  --violations DIR      where violations are written (crash-lab-violations)
  --replay FILE         judges the state of a violation once more, and nothing else
  --help

Exits 1 for a violation, 2 if the arguments make no sense.`;

const PARTS = ['states', 'faults', 'damage'] as const;

type Part = (typeof PARTS)[number];

export interface LabArguments {
  /** What is tried: a `file:` URL, and the words that name it. */
  readonly subjects: readonly { readonly module: string; readonly words: string }[];
  readonly parts: readonly Part[];
  readonly states: number;
  readonly model: CrashModel;
  readonly operations: number;
  readonly seed: number;
  readonly processes: number;
  readonly flips: number;
  readonly json: string | undefined;
  readonly violations: string;
  readonly replay: string | undefined;
  readonly help: boolean;
}

/** How `--adaptor` finds its module, where there is one. */
export type AdaptorModule = (name: string) => URL;

/** Throws a sentence on what is wrong. */
export function labArguments(argv: readonly string[], adaptorModule?: AdaptorModule): LabArguments {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    // pnpm hands on the `--` that separates its own arguments from the script's.
    args: argv.filter((word, at) => at !== 0 || word !== '--'),
    options: {
      adaptor: { type: 'string', multiple: true, default: [] },
      builder: { type: 'string', multiple: true, default: [] },
      ...{ only: text, states: text, model: text, operations: text, seed: text, processes: text, flips: text },
      ...{ json: text, violations: text, replay: text },
      help: { type: 'boolean', default: false },
    },
  });
  const builders = values.builder.map((path) => ({
    module: pathToFileURL(existingFile(userPath(path))).href,
    words: `--builder ${path}`,
  }));
  const adaptors = values.adaptor
    .flatMap((names) => names.split(','))
    .map((name) => ({ module: moduleOf(name, adaptorModule).href, words: `--adaptor ${name}` }));
  const subjects = [...builders, ...adaptors];
  if (subjects.length === 0 && !values.help) throw new RangeError('Name what is to be tried: --builder MODULE.');
  return {
    subjects,
    parts: partsOf(values.only),
    states: wholeNumber('states', values.states, 20_000),
    model: modelOf(values.model),
    operations: wholeNumber('operations', values.operations, 40),
    seed: wholeNumber('seed', values.seed, 1),
    processes: wholeNumber('processes', values.processes, 2),
    flips: wholeNumber('flips', values.flips, Number.MAX_SAFE_INTEGER),
    json: values.json === undefined ? undefined : userPath(values.json),
    violations: userPath(values.violations ?? 'crash-lab-violations'),
    replay: values.replay === undefined ? undefined : existingFile(userPath(values.replay)),
    help: values.help,
  };
}

function moduleOf(name: string, adaptorModule: AdaptorModule | undefined): URL {
  if (adaptorModule === undefined) throw new RangeError('There is no --adaptor here: give --builder MODULE.');
  return adaptorModule(name);
}

function partsOf(text: string | undefined): Part[] {
  if (text === undefined) return [...PARTS];
  return text.split(',').map((word) => {
    const part = PARTS.find((one) => one === word);
    if (part === undefined) throw new RangeError(`--only takes ${PARTS.join(', ')}, not "${word}".`);
    return part;
  });
}

function modelOf(text = 'ext4'): CrashModel {
  if (text === 'ext4' || text === 'weak') return text;
  throw new RangeError(`--model is ext4 or weak, not "${text}".`);
}

function wholeNumber(name: string, text: string | undefined, without: number): number {
  if (text === undefined) return without;
  const value = Number(text.replaceAll('_', ''));
  if (text !== '' && Number.isSafeInteger(value) && value >= 1) return value;
  throw new RangeError(`--${name} must be a whole number from 1 on, but is "${text}".`);
}

/** A script runs in its package; what the user names is relative to where the user is. */
function userPath(path: string): string {
  return resolve(process.env.RAFTLOG_CWD ?? process.env.INIT_CWD ?? '.', path);
}

function existingFile(path: string): string {
  if (existsSync(path)) return path;
  throw new RangeError(`There is no ${path}.`);
}
