import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import type { StorageEngineBuilder } from '../conformance/builder.ts';
import {
  atPlace,
  count,
  existingDirectory,
  ownArguments,
  type StatusLine,
  userPath,
  writeJson,
} from './command-line.ts';
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
  return atPlace(parsed.directory, (parent, status) => {
    const builder = makeBuilder(parent);
    return parsed.memory ? memory(builder, parsed, status) : performance(builder, parsed, status);
  });
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
      args: ownArguments(argv),
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
    return {
      payload: count('payload', values.payload, 0),
      rounds: count('rounds', values.rounds),
      rangeEntries: count('range-entries', values['range-entries']),
      logEntries: count('log-entries', values['log-entries']),
      entries: count('entries', values.entries),
      batch: values.batch?.map((text) => count('batch', text) ?? 1),
      memory: values.memory,
      directory: existingDirectory(userPath(values.directory)),
      json: values.json === undefined ? undefined : userPath(values.json),
      help: values.help,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
