import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { StorageEngineBuilder } from '../conformance/builder.ts';
import { formatReport, formatRows } from './format.ts';
import { runMemoryTests } from './memory-rows.ts';
import { benchmarkEnvironment, runPerformanceTests } from './run-performance-tests.ts';
import { grouped } from './workbench.ts';

const usage = `Measures a storage engine against its targets.

  --payload BYTES       data of each entry (256)
  --rounds N            measured rounds of each figure (5)
  --range-entries N     length of what is read, purged and truncated at once (10000)
  --log-entries N       length of the log that is reopened (1000000)
  --memory              only the memory check: a long log, written in batches and one by one, each call awaited
  --entries N           its length (10000000)
  --batch N             its entries per commit; may be given more than once (1000 and 1)
  --directory DIR       an existing directory on the disk to be measured (the system's for temporary files)
  --json FILE           also write the results there
  --help

Exits 1 if a target is missed, 2 if the arguments make no sense.`;

/**
 * The command line of the benchmark; resolves to the exit code. `makeBuilder` is given an empty directory to put its places in;
 * it is removed at the end, also on Ctrl-C.
 *
 * @example
 * ```ts
 * const makeBuilder = (parent: string) => new DirectoryBuilder({ open, module, parent });
 * process.exitCode = await benchmarkMain(makeBuilder, process.argv.slice(2));
 * ```
 */
export async function benchmarkMain(
  makeBuilder: (parent: string) => StorageEngineBuilder,
  argv: readonly string[],
): Promise<number> {
  const parsed = parse(argv);
  if (typeof parsed === 'string') {
    console.error(`${parsed}\n\n${usage}`);
    return 2;
  }
  if (parsed.help) {
    console.log(usage);
    return 0;
  }
  const parent = mkdtempSync(join(parsed.directory, 'raftlog-bench-'));
  const remove = (): void => rmSync(parent, { recursive: true, force: true });
  const stop = (signal: 'SIGINT' | 'SIGTERM'): void => process.exit(128 + constants.signals[signal]);
  process.once('exit', remove).once('SIGINT', stop).once('SIGTERM', stop);
  const status = new StatusLine();
  try {
    const builder = makeBuilder(parent);
    return await (parsed.memory ? memory(builder, parsed, status) : performance(builder, parsed, status));
  } finally {
    status.clear();
    remove();
    process.off('exit', remove).off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function performance(builder: StorageEngineBuilder, args: Arguments, status: StatusLine): Promise<number> {
  const report = await runPerformanceTests(builder, {
    payloadBytes: args.payload,
    rounds: args.rounds,
    rangeEntries: args.rangeEntries,
    logEntries: args.logEntries,
    onProgress: (what) => status.show(what),
  });
  status.clear();
  console.log(formatReport(report));
  if (args.json !== undefined) writeJson(args.json, report);
  return report.pass ? 0 : 1;
}

async function memory(builder: StorageEngineBuilder, args: Arguments, status: StatusLine): Promise<number> {
  const rows = await runMemoryTests(builder, {
    entries: args.entries,
    payloadBytes: args.payload,
    batchSizes: args.batch,
    onProgress: (what, done, of) => status.show(`${what} ${grouped(done)} of ${grouped(of)}`),
  });
  status.clear();
  console.log(formatRows(rows));
  if (args.json !== undefined) writeJson(args.json, { environment: benchmarkEnvironment(), rows });
  return rows.every(({ pass }) => pass !== false) ? 0 : 1;
}

interface Arguments {
  readonly payload: number | undefined;
  readonly rounds: number | undefined;
  readonly rangeEntries: number | undefined;
  readonly logEntries: number | undefined;
  readonly entries: number | undefined;
  readonly batch: readonly number[] | undefined;
  readonly memory: boolean;
  readonly directory: string;
  readonly json: string | undefined;
  readonly help: boolean;
}

/** The arguments, or what is wrong with them. */
function parse(argv: readonly string[]): Arguments | string {
  try {
    const { values } = parseArgs({
      // pnpm hands on the `--` that separates its own arguments from the script's.
      args: argv.filter((argument, i) => i !== 0 || argument !== '--'),
      options: {
        payload: { type: 'string' },
        rounds: { type: 'string' },
        'range-entries': { type: 'string' },
        'log-entries': { type: 'string' },
        entries: { type: 'string' },
        batch: { type: 'string', multiple: true },
        memory: { type: 'boolean', default: false },
        directory: { type: 'string', default: tmpdir() },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    // A package's script runs in the package; what the user names is relative to where the user is.
    const from = process.env.INIT_CWD ?? '.';
    return {
      payload: count('payload', values.payload, 0),
      rounds: count('rounds', values.rounds),
      rangeEntries: count('range-entries', values['range-entries']),
      logEntries: count('log-entries', values['log-entries']),
      entries: count('entries', values.entries),
      batch: values.batch?.map((text) => count('batch', text) ?? 1),
      memory: values.memory,
      directory: existingDirectory(resolve(from, values.directory)),
      json: values.json === undefined ? undefined : resolve(from, values.json),
      help: values.help,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function existingDirectory(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  throw new RangeError(`--directory must be an existing directory, but is "${path}".`);
}

function count(name: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replaceAll('_', ''));
  if (text !== '' && Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} must be a whole number of at least ${least}, but is "${text}".`);
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** What is going on, on one line that is written over; nothing where there is no terminal. */
class StatusLine {
  show(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}
