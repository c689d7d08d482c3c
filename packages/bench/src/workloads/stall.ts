import { setImmediate } from 'node:timers/promises';
import { EntrySource, longestStall } from '@raftlog/core/benchmark';
import { onEngine } from '../contenders/adaptors.ts';
import type { AdaptorName } from '../contenders/names.ts';
import type { TrialResult, TrialTask } from '../trial/task.ts';
import type { StallWorkload } from './workload.ts';

const callsInFlight = 2;

/**
 * The event loop under as many appends as the engine takes, two calls in flight. Making the entries is part of it, as in a node; what that
 * alone comes to stands beside it.
 */
export async function measureStall(
  adaptor: AdaptorName,
  { directory, seconds }: TrialTask,
  workload: StallWorkload,
): Promise<TrialResult> {
  const source = new EntrySource(workload.payload);
  return onEngine(adaptor, { directory }, async ({ logStore }) => {
    const append = (): Promise<void> => logStore.persistEntries(source.batch(logStore.lastIndex + 1, workload.batch));
    await callersFor(seconds / 2, append);
    const stallMs = await longestStall(() => callersFor(seconds, append));
    const makingMs = await longestStall(() => callersFor(seconds / 2, async () => source.batch(1, workload.batch)));
    return { figures: { stallMs, makingMs } };
  });
}

async function callersFor(seconds: number, call: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  const caller = async (): Promise<void> => {
    do {
      await call();
      // What resolves without a turn of the event loop would be blamed for this loop's hunger.
      await setImmediate();
    } while (performance.now() < end);
  };
  await Promise.all(Array.from({ length: callsInFlight }, caller));
}
