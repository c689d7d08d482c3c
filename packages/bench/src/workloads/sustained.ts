import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LogStore } from '@raftlog/core';
import { onEngine } from '../contenders/adaptors.ts';
import type { AdaptorName } from '../contenders/names.ts';
import type { Sample, TrialResult, TrialTask } from '../trial/task.ts';
import { AppendLoad } from './append-load.ts';
import { fill } from './fill.ts';
import { drift } from './sustained-drift.ts';
import type { SustainedWorkload } from './workload.ts';

const callers = 2;
/** The log is purged each time that it has grown by a part of what is kept, while the writes go on. */
const purgesPerKept = 16;
const samples = 120;
const mostSampleMs = 5_000;

/** Full write load on a log that a node purges as it goes: does anything rise or fall with time? */
export async function measureSustained(
  adaptor: AdaptorName,
  { directory }: TrialTask,
  workload: SustainedWorkload,
  onProgress: (text: string) => void,
): Promise<TrialResult> {
  const totalMs = workload.minutes * 60_000;
  const sampleMs = Math.min(mostSampleMs, totalMs / samples);
  return onEngine(adaptor, { directory }, async ({ logStore }) => {
    const kept = Math.max(1, Math.floor((workload.keepMiB * 2 ** 20) / Math.max(1, workload.payload)));
    // Until the first purge the log only grows: that is another state, with rows of its own.
    await fill(logStore, kept + Math.ceil(kept / purgesPerKept), workload);
    const purge = purgeAsItGrows(logStore, kept);
    const append = async (batch: Parameters<LogStore['persistEntries']>[0]): Promise<void> => {
      await logStore.persistEntries(batch);
      await purge();
    };
    const load = new AppendLoad(append, { ...workload, callers }, logStore.lastIndex + 1);
    const series: Sample[] = [];
    for (const start = performance.now(); performance.now() - start < totalMs; ) {
      load.restart();
      await load.turn({ ms: sampleMs, entries: Number.MAX_SAFE_INTEGER });
      const seconds = (performance.now() - start) / 1000;
      series.push({ seconds, ...moment(load, directory) });
      onProgress(`${Math.round(seconds)} of ${Math.round(totalMs / 1000)} s`);
    }
    return { figures: drift(series), series };
  });
}

function purgeAsItGrows(log: LogStore, kept: number): () => Promise<void> {
  let purging = false;
  return async () => {
    if (purging || log.lastIndex - log.firstIndex < kept + kept / purgesPerKept) return;
    purging = true;
    await log.purge({ index: log.lastIndex - kept, term: 1 });
    purging = false;
  };
}

function moment(load: AppendLoad, directory: string): Omit<Sample, 'seconds'> {
  return {
    entriesPerSecond: load.figures().entriesPerSecond ?? 0,
    residentMiB: process.memoryUsage.rss() / 2 ** 20,
    directoryMiB: directoryBytes(directory) / 2 ** 20,
  };
}

function directoryBytes(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    // Removed between listing and looking: it is gone, and weighs nothing.
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
