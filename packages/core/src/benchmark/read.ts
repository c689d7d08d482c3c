import type { LogStore } from '../log-store.ts';
import { type BenchmarkRow, row, type SectionResult } from './row.ts';
import { entriesText, timed, type Workbench } from './workbench.ts';

const entryReads = 1_000;
/** Few and far apart: most blocks are met for the first time. */
const coldEntryReads = 20;
const getterReads = 100_000;
const reopenedWarmUps = 10;

/**
 * Reads. "Right after open" means with what that has brought into memory: the end of the log. What it costs further back is in the rows of
 * the long log. The operating system's page cache is warm.
 */
export async function measureReads(bench: Workbench): Promise<SectionResult> {
  const { rangeEntries } = bench.sizes;
  return bench.inFreshPlace(async () => {
    bench.announce('reads');
    const volatile = await bench.onEngine(async ({ logStore, capabilities }) => {
      await bench.source.fill(logStore, rangeEntries);
      return capabilities.durability === 'volatile' ? measureCached(bench, logStore) : undefined;
    });
    if (volatile !== undefined) {
      return {
        rows: volatile,
        leftOut: [{ name: 'reads after reopening', reason: 'A volatile engine has nothing then.' }],
      };
    }
    const cold = await measureReopened(bench);
    return {
      rows: [...(await bench.onEngine(({ logStore }) => measureCached(bench, logStore))), ...cold],
      leftOut: [],
    };
  });
}

async function measureCached(bench: Workbench, log: LogStore): Promise<BenchmarkRow[]> {
  const { rangeEntries } = bench.sizes;
  const { entry, getEntries, lastIndex } = bench.targets;
  const range = await bench.rounds(() => timed(() => readRange(log, rangeEntries)));
  const single: number[] = [];
  for (let i = 0; i < entryReads; i++) {
    const index = 1 + ((i * 7919) % rangeEntries);
    single.push(await timed(() => readEntry(log, index)));
  }
  return [
    row('entry(), cached', 'ms', single, entry),
    row(`getEntries of ${entriesText(rangeEntries)}, cached`, 'ms', range, getEntries),
    row('lastIndex', 'ms', await bench.rounds(async () => getterRound(log)), lastIndex),
  ];
}

async function measureReopened(bench: Workbench): Promise<BenchmarkRow[]> {
  const { rangeEntries } = bench.sizes;
  const readOnce = (): Promise<number> =>
    bench.onEngine(({ logStore }) => timed(() => readRange(logStore, rangeEntries)));
  // Each round is one read of a millisecond: it takes a few before the runtime has compiled what it runs.
  for (let round = 0; round < reopenedWarmUps; round++) await readOnce();
  const range = await bench.rounds(readOnce);
  const single: number[] = [];
  for (let round = 0; round < bench.sizes.rounds; round++) {
    await bench.onEngine(async ({ logStore }) => {
      const reads = Math.min(coldEntryReads, rangeEntries);
      for (let i = 0; i < reads; i++) {
        const index = 1 + Math.floor((i * rangeEntries) / reads);
        single.push(await timed(() => readEntry(logStore, index)));
      }
    });
  }
  return [
    row('entry(), right after open', 'ms', single, bench.targets.entry),
    row(
      `getEntries of ${entriesText(rangeEntries)}, the end of the log right after open`,
      'ms',
      range,
      bench.targets.getEntries,
    ),
  ];
}

/** Reads one entry, and rejects unless it is there: a wrong answer may be the fastest. */
export async function readEntry(log: LogStore, index: number): Promise<void> {
  const found = await log.entry(index);
  if (found?.index !== index) throw new Error(`entry(${index}) gave ${found?.index}: there is nothing to time.`);
}

/** The same for all entries up to `last`. */
export async function readRange(log: LogStore, last: number): Promise<void> {
  const found = await log.getEntries(1, last);
  if (found.length !== last || found.at(-1)?.index !== last) {
    throw new Error(`getEntries(1, ${last}) gave ${found.length} entries: there is nothing to time.`);
  }
}

/** Milliseconds per read. Summed up and checked, so that the loop can't be optimised away. */
function getterRound(log: LogStore): number {
  const expected = log.lastIndex * getterReads;
  const start = performance.now();
  let sum = 0;
  for (let i = 0; i < getterReads; i++) sum += log.lastIndex;
  const milliseconds = performance.now() - start;
  if (sum !== expected) throw new Error('lastIndex changed while nothing was written.');
  return milliseconds / getterReads;
}
