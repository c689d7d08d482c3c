// A child process: opens what a failing run left, on a disk that works again, and says what is wrong with it.
import { isStorageError } from '@raftlog/core';
import { CrashHistory, createRandom, judgeAfterCrash, type OpenInChild, observe } from '@raftlog/core/conformance';
import { nextOperation } from '../faults/disk-fault.ts';
import type { FailingRunTask } from './failing-run.ts';

export interface JudgeTask extends FailingRunTask {
  readonly issued: number;
  readonly acknowledged: number;
  /** The disk is still full: the engine may refuse to open, for that reason, and nothing is written. */
  readonly stillFull?: boolean;
}

const task = JSON.parse(process.argv[2] ?? '{}') as JudgeTask;
const verdict = await judge(task).catch(
  (error: unknown) => `it rejects: ${error instanceof Error ? error.stack : error}`,
);
if (verdict !== undefined) process.stdout.write(`${verdict}\n`);

async function judge(task: JudgeTask): Promise<string | undefined> {
  const { open } = (await import(task.module)) as { open: OpenInChild };
  const history = new CrashHistory();
  const random = createRandom(task.seed);
  while (history.issued < task.issued) history.issue(nextOperation(task.fault, history.current, random));
  for (let number = 1; number <= task.acknowledged; number++) history.acknowledge(number);
  if (task.stillFull !== true) {
    await judgeAfterCrash(() => open(task.place, task.build), history);
    return undefined;
  }
  const engine = await open(task.place, task.build).catch((error: unknown) => {
    if (isStorageError(error) && (error.code === 'NO_SPACE' || error.code === 'STORE_FAILED')) return undefined;
    throw error;
  });
  if (engine === undefined) return undefined;
  try {
    return history.judge(await observe(engine), history.moment());
  } finally {
    await engine.close();
  }
}
