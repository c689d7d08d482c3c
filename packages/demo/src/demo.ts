import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DemoArguments } from './arguments.ts';
import { type Comparison, compareLog, faults } from './compare-log.ts';
import { settledDirectorySize } from './directory-size.ts';
import { readInput, splitLines } from './input-lines.ts';
import { planKills } from './kill-plan.ts';
import { openLog, segmentBytes } from './open-log.ts';
import type { Progress } from './progress.ts';
import { count, type DemoReport, formatKill, type KillReport } from './report.ts';
import { runWriter } from './writer-run.ts';

const callers = 8;
const largestWindow = 1_000;

/** Writes the input through killed processes into a log in `place`, checks it after each kill and at the end, and purges it. */
export async function runDemo(args: DemoArguments, place: string, progress: Progress): Promise<DemoReport> {
  const input = readInput(args.input);
  // All processes read this copy: a file that somebody writes to meanwhile would look like a log that has lost something.
  const copy = join(place, 'input');
  writeFileSync(copy, input);
  const directory = join(place, 'log');
  const lines = splitLines(input);
  const inputSha256 = createHash('sha256').update(input).digest('hex');
  progress.line(`${args.input}: ${count(lines.length)} lines, ${callers} callers, seed ${args.seed}`);

  const acknowledged = new Set<number>();
  const kills: KillReport[] = [];
  const found: string[] = [];
  let syncs = 0;
  let writingSeconds = 0;
  let comparison: Comparison | undefined;
  // So small that every kill finds the writer in the middle of its work, however few lines there are.
  const window = Math.min(largestWindow, Math.max(1, Math.floor(lines.length / (4 * Math.max(1, args.kills)))));
  const plan: readonly (number | undefined)[] = [...planKills(lines.length, args.kills, args.seed), undefined];
  for (const [run, killAt] of plan.entries()) {
    const what = killAt === undefined ? 'to the end' : `kill ${run + 1} of ${args.kills} ahead`;
    const term = run + 1;
    const result = await runWriter({
      task: { directory, input: copy, term, callers, window },
      acknowledged,
      killAt,
      onProgress: () => progress.update(acknowledged.size, lines.length, what),
    });
    syncs += result.syncs;
    writingSeconds += result.seconds;

    const before = acknowledged.size;
    const checked = await checkLog(directory, lines, acknowledged, term);
    comparison = checked.comparison;
    if (killAt !== undefined) {
      const kill = { number: run + 1, acknowledged: before, comparison };
      kills.push(kill);
      progress.line(formatKill(kill, args.kills));
    }
    found.push(
      ...checked.faults.map((fault) => `after ${killAt === undefined ? 'the end' : `kill ${run + 1}`}: ${fault}`),
    );
  }
  if (comparison === undefined) throw new Error('Nothing was run.');
  if (comparison.recovered !== lines.length) {
    found.push(`the log has ${count(comparison.recovered)} entries and the input ${count(lines.length)} lines`);
  }
  if (comparison.sha256 !== inputSha256) found.push('the log has another SHA-256 than the input');

  const purge = await purgeAll(directory);
  found.push(...purge.faults);
  return {
    lines: lines.length,
    kills,
    acknowledged: acknowledged.size,
    comparison,
    inputSha256,
    writingSeconds,
    syncs,
    bytesBeforePurge: purge.bytesBefore,
    bytesAfterPurge: purge.bytesAfter,
    faults: found,
  };
}

async function checkLog(
  directory: string,
  lines: readonly Uint8Array[],
  acknowledged: ReadonlySet<number>,
  leastTerm: number,
): Promise<{ readonly comparison: Comparison; readonly faults: readonly string[] }> {
  const engine = await openLog(directory);
  try {
    const comparison = await compareLog(engine.logStore, lines, acknowledged);
    const term = (await engine.metaStore.loadHardState())?.currentTerm ?? 0;
    const forgotten = term < leastTerm ? [`the saved term ${leastTerm} is back at ${term}`] : [];
    return { comparison, faults: [...faults(comparison), ...forgotten] };
  } finally {
    await engine.close();
  }
}

interface Purge {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly faults: readonly string[];
}

/** Purges the whole log and waits for the space. */
async function purgeAll(directory: string): Promise<Purge> {
  const engine = await openLog(directory);
  try {
    const { logStore } = engine;
    const { lastLogId } = logStore;
    if (lastLogId === undefined) throw new Error('The log is empty after everything was written.');
    const bytesBefore = await settledDirectorySize(directory);
    await logStore.purge(lastLogId);
    const left = await logStore.getEntries(1, lastLogId.index);
    const bytesAfter = await settledDirectorySize(directory);
    const found: string[] = [];
    if (logStore.firstIndex !== lastLogId.index + 1 || left.length > 0) {
      found.push(`${left.length} entries are left after the purge, and the log begins at ${logStore.firstIndex}`);
    }
    // A short log lies in the segment that is in use, which stays, as does a spare one.
    if (bytesBefore > 8 * segmentBytes && bytesAfter > bytesBefore / 2) found.push('the purge gave no space back');
    return { bytesBefore, bytesAfter, faults: found };
  } finally {
    await engine.close();
  }
}
