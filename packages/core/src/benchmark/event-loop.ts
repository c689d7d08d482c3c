import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { row, type SectionResult } from './row.ts';
import { grouped, type Workbench } from './workbench.ts';

const resolutionMs = 1;
const batchSize = 1_000;
const callsInFlight = 2;

/**
 * The longest time for which the event loop could not turn while batches of 1,000 were written as fast as they went, two at a time. Making the entries is part
 * of it, as it is in a node; beside it stands what that alone comes to, with the collections of garbage that it causes.
 */
export async function measureStalls(bench: Workbench): Promise<SectionResult> {
  const name = `longest event-loop stall, batches of ${grouped(batchSize)}`;
  bench.announce(name);
  return bench.onFreshEngine(async (engine) => {
    const { logStore } = engine;
    const reason = bench.refusal(engine, batchSize, callsInFlight);
    if (reason !== undefined) return { rows: [], leftOut: [{ name, reason }] };
    const load = (call: () => Promise<unknown>): (() => Promise<void>) => {
      const calls = Math.max(1, Math.floor(bench.sizes.stallEntries / batchSize / bench.sizes.rounds));
      return () => callersUnderWatch(calls, call);
    };
    const alone = await bench.rounds(() => longestStall(load(async () => bench.source.batch(1, batchSize))));
    const samples = await bench.rounds(() =>
      longestStall(load(() => logStore.persistEntries(bench.source.batch(logStore.lastIndex + 1, batchSize)))),
    );
    const rows = [
      row(name, 'ms', [Math.max(...samples)]),
      row('  making the entries alone', 'ms', [Math.max(...alone)]),
    ];
    return { rows, leftOut: [] };
  });
}

async function callersUnderWatch(calls: number, call: () => Promise<unknown>): Promise<void> {
  let left = calls;
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      await call();
      // An engine that resolves without a turn of the event loop would be blamed for this loop's hunger.
      await setImmediate();
    }
  };
  await Promise.all(Array.from({ length: callsInFlight }, caller));
}

/** The longest time, in milliseconds, for which the event loop could not turn while `work` ran. */
export async function longestStall(work: () => Promise<void>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  // The first interval has the start of the monitor in it; and after a reset the first one is not counted at all.
  await setTimeout(10 * resolutionMs);
  histogram.reset();
  await setTimeout(10 * resolutionMs);
  await work();
  await setTimeout(10 * resolutionMs);
  histogram.disable();
  if (histogram.max === 0) throw new Error('The event-loop monitor took no sample.');
  return Math.max(0, histogram.max / 1e6 - resolutionMs);
}
