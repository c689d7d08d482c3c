/** What `npm run demo` runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DemoArguments, parseArguments, usage } from './arguments.ts';
import { runDemo } from './demo.ts';
import { InputError } from './input-lines.ts';
import { makeProgress } from './progress.ts';
import { formatReport } from './report.ts';

async function main(argv: readonly string[]): Promise<number> {
  let args: DemoArguments;
  try {
    args = parseArguments(argv);
  } catch (error) {
    console.error(`${message(error)}\n\n${usage}`);
    return 2;
  }
  if (args.help) {
    console.log(usage);
    return 0;
  }
  // Who reads the output may have had enough of it.
  process.stdout.on('error', () => process.exit());
  const progress = makeProgress(process.stdout);
  let place: string | undefined;
  try {
    place = temporaryDirectory(args.keep);
    const report = await runDemo(args, place, progress);
    progress.stop();
    console.log(formatReport(report));
    return report.faults.length === 0 ? 0 : 1;
  } catch (error) {
    progress.stop();
    console.error(message(error));
    return error instanceof InputError ? 2 : 1;
  } finally {
    if (args.keep && place !== undefined) console.log(`The log is kept in ${join(place, 'log')}`);
  }
}

/** Removed when the process ends, in whatever way a process can notice, unless `keep`. */
function temporaryDirectory(keep: boolean): string {
  const directory = mkdtempSync(join(tmpdir(), 'raftlog-demo-'));
  if (!keep) process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  return directory;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

process.exitCode = await main(process.argv.slice(2));
