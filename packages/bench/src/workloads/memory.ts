import { measureMemory } from '@raftlog/core/benchmark';
import { ADAPTORS, openerModule } from '../contenders/adaptors.ts';
import type { AdaptorName } from '../contenders/names.ts';
import type { TrialResult, TrialTask } from '../trial/task.ts';
import type { MemoryWorkload } from './workload.ts';

/**
 * Core's measurement: processes of their own that write a log, and open and read it. Without a sync for each commit where that is
 * offered, for ten million syncs take a quarter of an hour and say nothing more about memory.
 */
export async function measureMemoryOfLog(
  adaptor: AdaptorName,
  { directory }: TrialTask,
  { entries, batch, payload }: MemoryWorkload,
  onProgress: (text: string) => void,
): Promise<TrialResult> {
  const child = { module: openerModule(adaptor), place: directory };
  const { write, read } = await measureMemory(child, {
    entries,
    batchSize: batch,
    payloadBytes: payload,
    ...(ADAPTORS[adaptor].offersBuffered ? { durability: 'buffered' as const } : {}),
    onProgress: (phase, done) => onProgress(`${phase} ${done} of ${entries}`),
  });
  return {
    figures: {
      writeMemoryMiB: write.overIdleMiB,
      readMemoryMiB: read.overIdleMiB,
      mappedMiB: Math.max(write.mappedMiB, read.mappedMiB),
    },
  };
}
