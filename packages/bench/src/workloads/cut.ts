import { summarize, timed } from '@raftlog/core/benchmark';
import { ADAPTORS, onEngine } from '../contenders/adaptors.ts';
import type { AdaptorName } from '../contenders/names.ts';
import type { TrialResult, TrialTask } from '../trial/task.ts';
import { fill, writeLog } from './fill.ts';
import type { CutWorkload } from './workload.ts';

const warmUps = 2;
const rounds = 7;

/** `purge` and `truncate`, a few of each from one long log, then its `reset`: each timed until its promise resolves. */
export async function measureCut(
  adaptor: AdaptorName,
  { directory }: TrialTask,
  workload: CutWorkload,
): Promise<TrialResult> {
  const { entries, range } = workload;
  const { persistent } = ADAPTORS[adaptor];
  if (persistent) await writeLog(adaptor, { directory, entries, payload: workload.payload });
  return onEngine(adaptor, { directory }, async ({ logStore }) => {
    if (!persistent) await fill(logStore, entries, workload);
    const purges: number[] = [];
    const truncates: number[] = [];
    for (let round = -warmUps; round < rounds; round++) {
      // What is cut off is written again: each cut is of a log of the whole length.
      await fill(logStore, entries - (logStore.lastIndex - logStore.firstIndex + 1), workload);
      const truncate = await timed(() => logStore.truncate(logStore.lastIndex - range + 1));
      await fill(logStore, range, workload);
      const purge = await timed(() => logStore.purge({ index: logStore.firstIndex + range - 1, term: 1 }));
      if (round < 0) continue;
      truncates.push(truncate);
      purges.push(purge);
    }
    await fill(logStore, entries - (logStore.lastIndex - logStore.firstIndex + 1), workload);
    const resetMs = await timed(() => logStore.reset());
    if (logStore.lastIndex !== 0) throw new Error(`A log that was reset ends at ${logStore.lastIndex}.`);
    return { figures: { purgeMs: summarize(purges).median, truncateMs: summarize(truncates).median, resetMs } };
  });
}
