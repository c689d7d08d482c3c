import type { LogStore } from '@raftlog/core';
import { readEntry, readRange, summarize, timed } from '@raftlog/core/benchmark';
import { ADAPTORS, onEngine } from '../contenders/adaptors.ts';
import type { AdaptorName } from '../contenders/names.ts';
import type { TrialResult, TrialTask } from '../trial/task.ts';
import { fill } from './fill.ts';
import type { ReadWorkload } from './workload.ts';

const warmUps = 10;
const rounds = 15;
const singleReads = 10_000;
/** Few and far apart, so that nearly each of them meets a block that nobody has read. */
const coldReads = 20;

/** Reads, cached and right after an open. The operating system's page cache is warm. */
export async function measureRead(
  adaptor: AdaptorName,
  { directory }: TrialTask,
  workload: ReadWorkload,
): Promise<TrialResult> {
  if (!ADAPTORS[adaptor].persistent) {
    return onEngine(adaptor, { directory }, async ({ logStore }) => {
      await fill(logStore, workload.entries, workload);
      return { figures: await cachedFigures(logStore, workload.entries) };
    });
  }
  await onEngine(adaptor, { directory }, ({ logStore }) => fill(logStore, workload.entries, workload));
  const reopened = await reopenedFigures(adaptor, directory, workload.entries);
  const cached = await onEngine(adaptor, { directory }, ({ logStore }) => cachedFigures(logStore, workload.entries));
  return { figures: { ...cached, ...reopened } };
}

async function cachedFigures(log: LogStore, entries: number): Promise<Record<string, number>> {
  const ranges: number[] = [];
  for (let round = -warmUps; round < rounds; round++) {
    const ms = await timed(() => readRange(log, entries));
    if (round >= 0) ranges.push(ms);
  }
  // Too short to be timed one by one.
  const singles: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const ms = await timed(() => readSingles(log, entries));
    if (round >= 0) singles.push((ms * 1000) / singleReads);
  }
  return { rangeCachedMs: summarize(ranges).median, entryCachedUs: summarize(singles).median };
}

async function reopenedFigures(
  adaptor: AdaptorName,
  directory: string,
  entries: number,
): Promise<Record<string, number>> {
  const ranges: number[] = [];
  const singles: number[] = [];
  // Each round is one read of a millisecond: it takes some before the runtime has compiled what it runs.
  for (let round = -warmUps; round < rounds; round++) {
    const ms = await onEngine(adaptor, { directory }, ({ logStore }) => timed(() => readRange(logStore, entries)));
    const single = await onEngine(adaptor, { directory }, ({ logStore }) => coldSingles(logStore, entries));
    if (round < 0) continue;
    ranges.push(ms);
    singles.push(...single);
  }
  return { rangeReopenedMs: summarize(ranges).median, entryReopenedUs: summarize(singles).median };
}

async function coldSingles(log: LogStore, entries: number): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < coldReads; i++) {
    const index = 1 + Math.floor((i * entries) / coldReads);
    found.push((await timed(() => readEntry(log, index))) * 1000);
  }
  return found;
}

async function readSingles(log: LogStore, entries: number): Promise<void> {
  for (let i = 0; i < singleReads; i++) await readEntry(log, 1 + ((i * 7919) % entries));
}
