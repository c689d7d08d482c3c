import type { LogStore } from '../log-store.ts';
import { type BenchmarkRow, type LeftOut, row, type SectionResult } from './row.ts';
import { smallestTargetedBatch } from './targets.ts';
import { entriesText, grouped, perSecond, timed, type Workbench } from './workbench.ts';

const mostCallsPerRound = 2_000;
const mostBytesPerRound = 256 << 20;
const oneCallEntries = 10_000;

/** `persistEntries`: one call at a time in batches of several sizes, many callers at once, and one large call. */
export async function measurePersist(bench: Workbench): Promise<SectionResult> {
  const rows: BenchmarkRow[] = [];
  const leftOut: LeftOut[] = [];
  const { batchSizes, callers } = bench.sizes;
  for (const size of batchSizes) {
    const name = `persistEntries, batches of ${grouped(size)}`;
    bench.announce(name);
    await bench.onFreshEngine(async (engine) => {
      const reason = bench.refusal(engine, size);
      if (reason !== undefined) {
        leftOut.push({ name, reason });
        return;
      }
      const samples = await bench.rounds(() => batchesRound(bench, engine.logStore, size));
      rows.push(row(name, 'entries/s', samples, size >= smallestTargetedBatch ? bench.targets.persist : undefined));
    });
  }

  const concurrent = `persistEntries of 1, ${grouped(callers)} callers at once`;
  bench.announce(concurrent);
  await bench.onFreshEngine(async ({ logStore }) => {
    rows.push(row(concurrent, 'entries/s', await bench.rounds(() => callersRound(bench, logStore))));
  });

  const oneCall = `persistEntries, ${entriesText(oneCallEntries)} in one call`;
  bench.announce(oneCall);
  await bench.onFreshEngine(async (engine) => {
    const reason = bench.refusal(engine, oneCallEntries);
    if (reason !== undefined) {
      leftOut.push({ name: oneCall, reason });
      return;
    }
    const { logStore } = engine;
    const samples = await bench.rounds(async () => {
      const batch = bench.source.batch(logStore.lastIndex + 1, oneCallEntries);
      return timed(() => logStore.persistEntries(batch));
    });
    rows.push(row(oneCall, 'ms', samples, bench.targets.persistOneCall));
  });
  return { rows, leftOut };
}

async function batchesRound(bench: Workbench, log: LogStore, size: number): Promise<number> {
  const { roundEntries, payloadBytes } = bench.sizes;
  const entries = Math.min(roundEntries, mostBytesPerRound / (payloadBytes + 16));
  const calls = Math.min(mostCallsPerRound, Math.max(1, Math.floor(entries / size)));
  const batches = bench.source.batches(log.lastIndex + 1, size, calls);
  const milliseconds = await timed(async () => {
    for (const batch of batches) await log.persistEntries(batch);
  });
  return perSecond(size * calls, milliseconds);
}

async function callersRound(bench: Workbench, log: LogStore): Promise<number> {
  const { callers, roundEntries } = bench.sizes;
  const perCaller = Math.min(mostCallsPerRound, Math.max(1, Math.floor(roundEntries / callers)));
  const batches = bench.source.batches(log.lastIndex + 1, 1, callers * perCaller).values();
  const caller = async (): Promise<void> => {
    // Taking the next batch and calling is one synchronous step, so the indexes stay in order over all callers.
    for (const batch of batches) await log.persistEntries(batch);
  };
  const milliseconds = await timed(() => Promise.all(Array.from({ length: callers }, caller)));
  return perSecond(callers * perCaller, milliseconds);
}
