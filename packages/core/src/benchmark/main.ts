import { parseArgs } from 'node:util';
import type { StorageEngineBuilder } from '../conformance/builder.ts';
import {
  type CommonArguments,
  commonArguments,
  commonOptions,
  commonUsage,
  count,
  ownArguments,
  runCommand,
  type StatusLine,
  writeJson,
} from './command-line.ts';
import { formatReport, formatRows } from './format.ts';
import { runMemoryTests } from './memory-rows.ts';
import { benchmarkEnvironment, runPerformanceTests } from './run-performance-tests.ts';
import { grouped } from './workbench.ts';

const usage = `Measures a storage engine against its targets.

  --range-entries N     length of what is read, purged and truncated at once (10000)
  --log-entries N       length of the log that is reopened (1000000)
  --memory              only the memory check: a long log, written in batches and one by one, each call awaited
  --entries N           its length (10000000)
  --batch N             its entries per commit; may be given more than once (1000 and 1)
${commonUsage}`;

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
  const run = (args: Arguments, parent: string, status: StatusLine): Promise<number> =>
    (args.memory ? memory : performance)(makeBuilder(parent), args, status);
  return runCommand(usage, () => parse(argv), run);
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

interface Arguments extends CommonArguments {
  readonly rangeEntries: number | undefined;
  readonly logEntries: number | undefined;
  readonly entries: number | undefined;
  readonly batch: readonly number[] | undefined;
  readonly memory: boolean;
}

function parse(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: ownArguments(argv),
    options: {
      ...commonOptions,
      'range-entries': { type: 'string' },
      'log-entries': { type: 'string' },
      entries: { type: 'string' },
      batch: { type: 'string', multiple: true },
      memory: { type: 'boolean', default: false },
    },
  });
  return {
    ...commonArguments(values),
    rangeEntries: count('range-entries', values['range-entries']),
    logEntries: count('log-entries', values['log-entries']),
    entries: count('entries', values.entries),
    batch: values.batch?.map((text) => count('batch', text) ?? 1),
    memory: values.memory,
  };
}
