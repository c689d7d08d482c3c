import { setTimeout } from 'node:timers/promises';
import { ResidentMemory, summarize, timed } from '@raftlog/core/benchmark';
import { ADAPTORS } from '../contenders/adaptors.ts';
import type { AdaptorName } from '../contenders/names.ts';
import type { TrialResult, TrialTask } from '../trial/task.ts';
import type { OpenWorkload } from './workload.ts';

const rangeEntries = 10_000;
const randomReads = 100;

/** The first open of a log in a process: nothing is compiled and nothing is cached but by the operating system. */
export async function measureOpen(
  adaptor: AdaptorName,
  { fixture }: TrialTask,
  { entries }: OpenWorkload,
): Promise<TrialResult> {
  if (fixture === undefined) throw new Error('Nobody has written the log that is to be opened.');
  await loadCode(adaptor);
  const memory = new ResidentMemory();
  const start = performance.now();
  const engine = await ADAPTORS[adaptor].open({ directory: fixture });
  const openMs = performance.now() - start;
  try {
    const { logStore } = engine;
    if (logStore.lastIndex !== entries) throw new Error(`The log ends at ${logStore.lastIndex}, not at ${entries}.`);
    await logStore.getEntries(Math.max(1, entries - rangeEntries + 1), entries);
    const singles: number[] = [];
    for (let i = 0; i < randomReads; i++) {
      singles.push(1000 * (await timed(() => logStore.entry(1 + ((i * 104_729) % entries)))));
    }
    return { figures: { openMs, entryAnywhereUs: summarize(singles).median, openMemoryMiB: memory.end().overIdleMiB } };
  } finally {
    await engine.close();
  }
}

/** Loading modules is no part of opening a log, and what it takes in memory is idle memory. */
async function loadCode(adaptor: AdaptorName): Promise<void> {
  await import(`@raftlog/adaptor-${adaptor}`);
  await setTimeout(100);
}
