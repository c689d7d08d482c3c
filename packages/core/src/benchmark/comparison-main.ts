import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { atPlace, count, existingDirectory, ownArguments, userPath, writeJson } from './command-line.ts';
import { type ComparisonOptions, compareWithDatabase } from './comparison.ts';
import { formatRows } from './format.ts';
import { benchmarkEnvironment } from './run-performance-tests.ts';

const usage = `Measures an adaptor against its own database used by hand, on the same entries in the same run.

  --payload BYTES       data of each entry (256)
  --rounds N            measured rounds of each figure (5)
  --directory DIR       an existing directory on the disk to be measured (the system's for temporary files)
  --json FILE           also write the results there
  --help

Exits 1 if a target is missed, 2 if the arguments make no sense.`;

/**
 * The command line of {@link compareWithDatabase}; resolves to the exit code. An adaptor's `compare` script is this with its
 * builder and its database.
 */
export async function comparisonMain(options: ComparisonOptions, argv: readonly string[]): Promise<number> {
  const parsed = parse(argv);
  if (typeof parsed === 'string') {
    console.error(`${parsed}\n\n${usage}`);
    return 2;
  }
  if (parsed.help) {
    console.log(usage);
    return 0;
  }
  return atPlace(parsed.directory, async (parent, status) => {
    const { payload, rounds } = parsed;
    const onProgress = (what: string): void => status.show(what);
    const rows = await compareWithDatabase({ ...options, payloadBytes: payload, rounds, onProgress }, parent);
    status.clear();
    console.log(formatRows(rows));
    if (parsed.json !== undefined) writeJson(parsed.json, { environment: benchmarkEnvironment(), rows });
    return rows.every(({ pass }) => pass !== false) ? 0 : 1;
  });
}

interface Arguments {
  readonly payload: number | undefined;
  readonly rounds: number | undefined;
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
        directory: { type: 'string', default: tmpdir() },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    return {
      payload: count('payload', values.payload, 0),
      rounds: count('rounds', values.rounds),
      directory: existingDirectory(userPath(values.directory)),
      json: values.json === undefined ? undefined : userPath(values.json),
      help: values.help,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
