import { type AdaptorName, isAdaptor, isDatabase } from '../contenders/names.ts';
import { measureAppend } from '../workloads/append.ts';
import { measureComparison } from '../workloads/comparison.ts';
import { measureCut } from '../workloads/cut.ts';
import { writeLog } from '../workloads/fill.ts';
import { measureMemoryOfLog } from '../workloads/memory.ts';
import { measureNode } from '../workloads/node.ts';
import { measureOpen } from '../workloads/open.ts';
import { measureRead } from '../workloads/read.ts';
import { measureStall } from '../workloads/stall.ts';
import { measureSustained } from '../workloads/sustained.ts';
import type { TrialResult, TrialTask } from './task.ts';

/** Does what the task says, in this process. */
export async function runWorkload(task: TrialTask, onProgress: (text: string) => void): Promise<TrialResult> {
  const { workload, contender } = task;
  if (workload.kind === 'append') return measureAppend(task, workload);
  if (!isAdaptor(contender)) throw new Error(`There is no ${workload.kind} for ${contender}.`);
  return runOnAdaptor(contender, task, onProgress);
}

async function runOnAdaptor(
  adaptor: AdaptorName,
  task: TrialTask,
  onProgress: (text: string) => void,
): Promise<TrialResult> {
  const { workload, directory } = task;
  switch (workload.kind) {
    case 'read':
      return measureRead(adaptor, task, workload);
    case 'cut':
      return measureCut(adaptor, task, workload);
    case 'generate': {
      const progress = (done: number): void => onProgress(`${done} of ${workload.entries}`);
      await writeLog(adaptor, { ...workload, directory, onProgress: progress });
      return { figures: {} };
    }
    case 'open':
      return measureOpen(adaptor, task, workload);
    case 'memory':
      return measureMemoryOfLog(adaptor, task, workload, onProgress);
    case 'stall':
      return measureStall(adaptor, task, workload);
    case 'sustained':
      return measureSustained(adaptor, task, workload, onProgress);
    case 'node':
      return measureNode(adaptor, task, workload);
    case 'comparison':
      if (!isDatabase(adaptor)) throw new Error(`There is no database beneath ${adaptor}.`);
      return measureComparison(adaptor, task, workload, onProgress);
    default:
      throw new Error(`There is no ${workload.kind} for ${adaptor}.`);
  }
}
