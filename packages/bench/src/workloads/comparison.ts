import { compareWithDatabase } from '@raftlog/core/benchmark';
import { loadComparison } from '../contenders/by-hand.ts';
import type { DatabaseName } from '../contenders/names.ts';
import type { TrialResult, TrialTask } from '../trial/task.ts';
import type { ComparisonWorkload } from './workload.ts';

/** Core's comparison, as the adaptor's own `compare` runs it. */
export async function measureComparison(
  database: DatabaseName,
  { directory }: TrialTask,
  { rounds, payload }: ComparisonWorkload,
  onProgress: (text: string) => void,
): Promise<TrialResult> {
  const comparison = await loadComparison(database);
  const rows = await compareWithDatabase({ ...comparison, rounds, payloadBytes: payload, onProgress }, directory);
  return { figures: {}, rows };
}
