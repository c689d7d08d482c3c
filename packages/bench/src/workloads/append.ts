import { setTimeout } from 'node:timers/promises';
import type { LogStore } from '@raftlog/core';
import { ADAPTORS, onEngine } from '../contenders/adaptors.ts';
import { BareDisk } from '../contenders/bare-disk.ts';
import { loadComparison } from '../contenders/by-hand.ts';
import { databaseOf, isAdaptor, isLimit } from '../contenders/names.ts';
import type { TrialResult, TrialTask } from '../trial/task.ts';
import { type Append, AppendLoad } from './append-load.ts';
import { writeAndPurge } from './fill.ts';
import type { AppendWorkload } from './workload.ts';

/** A turn writes about a segment, so that what is kept and what is free again stay a few files. */
const turnBytes = 64 << 20;
const turnMs = 1_000;
/** What a purge has set going in the background is not to fall into the next turn. */
const restMs = 20;
const keptBytes = 4 << 20;

/** Durable appends on whatever the contender is. */
export async function measureAppend(task: TrialTask, workload: AppendWorkload): Promise<TrialResult> {
  const { contender, directory } = task;
  const database = databaseOf(contender);
  if (isAdaptor(contender)) {
    return onEngine(contender, { directory }, async ({ logStore }) => {
      const recycles = ADAPTORS[contender].recyclesFiles;
      if (recycles) await writeAndPurge(logStore, workload.payload, task.settleMiB * 2 ** 20);
      // A log in memory would fill it; files that aren't used again are left to grow, as they are by hand and in the peers.
      const purges = recycles || !ADAPTORS[contender].persistent;
      const append: Append = (batch) => logStore.persistEntries(batch);
      return load(append, task, workload, purges ? logStore : undefined);
    });
  }
  if (database !== undefined) {
    const byHand = await (await loadComparison(database)).openByHand(directory);
    try {
      return await load((batch) => byHand.persist(batch), task, workload, undefined);
    } finally {
      await byHand.close();
    }
  }
  if (!isLimit(contender)) throw new Error(`${contender} is measured by a program of its own.`);
  const disk = new BareDisk(contender, directory, workload.batch * workload.payload);
  try {
    return await load(disk.append, task, workload, undefined);
  } finally {
    disk.close();
  }
}

async function load(
  append: Append,
  { seconds }: TrialTask,
  workload: AppendWorkload,
  purged: LogStore | undefined,
): Promise<TrialResult> {
  const entries = Math.max(workload.batch, Math.floor(turnBytes / Math.max(1, workload.payload)));
  const appends = new AppendLoad(append, workload, (purged?.lastIndex ?? 0) + 1);
  const turnsFor = async (ms: number): Promise<void> => {
    while (appends.ms < ms) {
      await appends.turn({ ms: Math.min(turnMs, ms - appends.ms), entries });
      if (purged !== undefined) await purgeBehind(purged, workload.payload);
    }
  };
  await turnsFor(seconds * 500);
  appends.restart();
  await turnsFor(seconds * 1000);
  return { figures: appends.figures() };
}

async function purgeBehind(log: LogStore, payload: number): Promise<void> {
  const index = log.lastIndex - Math.floor(keptBytes / Math.max(1, payload));
  // All entries have term 1.
  if (index >= log.firstIndex) await log.purge({ index, term: 1 });
  await setTimeout(restMs);
}
