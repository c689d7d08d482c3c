import { parseArgs } from 'node:util';
import { commonArguments, commonOptions, commonUsage, ownArguments, runCommand, writeJson } from './command-line.ts';
import { type ComparisonOptions, compareWithDatabase } from './comparison.ts';
import { formatRows } from './format.ts';
import { benchmarkEnvironment } from './run-performance-tests.ts';

const usage = `Measures an adaptor against its own database used by hand, on the same entries in the same run.

${commonUsage}`;

/**
 * The command line of {@link compareWithDatabase}; resolves to the exit code. An adaptor's `compare` script is this with its
 * builder and its database.
 */
export async function comparisonMain(options: ComparisonOptions, argv: readonly string[]): Promise<number> {
  const parse = () => commonArguments(parseArgs({ args: ownArguments(argv), options: commonOptions }).values);
  return runCommand(usage, parse, async ({ payload, rounds, json }, parent, status) => {
    const onProgress = (what: string): void => status.show(what);
    const rows = await compareWithDatabase({ ...options, payloadBytes: payload, rounds, onProgress }, parent);
    status.clear();
    console.log(formatRows(rows));
    if (json !== undefined) writeJson(json, { environment: benchmarkEnvironment(), rows });
    return rows.every(({ pass }) => pass !== false) ? 0 : 1;
  });
}
