import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { StorageEngineBuilder } from '../conformance/builder.ts';
import type { Entry } from '../entry.ts';
import type { LogStore } from '../log-store.ts';
import { type BenchmarkRow, row } from './row.ts';
import { entriesText, grouped, perSecond, timed, Workbench } from './workbench.ts';

/** A database used by hand in the obvious way: one key or row per entry, one synced batch or transaction per call. */
export interface LogByHand {
  /** Durable when it returns or resolves. Several calls may be under way at once if it is asynchronous. */
  persist(entries: readonly Entry[]): Promise<void> | void;
  /** Both ends inclusive, decoded. */
  range(first: number, last: number): Promise<readonly Entry[]> | readonly Entry[];
  close(): Promise<void> | void;
}

/** The least ratios that an adaptor has to reach: its speed over that of its database used by hand. */
export interface ComparisonTargets {
  /** `persistEntries` in batches of 1,000, one call at a time. */
  readonly batch1000: number;
  /** One entry at a time. */
  readonly batch1: number;
  /** 64 callers at once, one entry each. */
  readonly callers64: number;
  /** `getEntries` of 10,000 that were written in batches of 100, read before. */
  readonly cachedRead: number;
  /** The same as the first read after an open. */
  readonly reopenedRead: number;
}

/** What is compared with what. */
export interface ComparisonOptions {
  /** Of the database, for the report: "LevelDB". */
  readonly name: string;
  readonly makeBuilder: (parent: string) => StorageEngineBuilder;
  /** Opens or reopens; the directory exists. */
  readonly openByHand: (directory: string) => Promise<LogByHand> | LogByHand;
  readonly targets: ComparisonTargets;
  /** Default: 256. */
  readonly payloadBytes?: number | undefined;
  /** Measured rounds after those that warm up. Default: 5. */
  readonly rounds?: number | undefined;
  readonly onProgress?: (what: string) => void;
}

/** Calls of one size, and how many of them each side makes in its turn. */
interface WriteShape {
  readonly name: string;
  readonly size: number;
  readonly callers: number;
  readonly calls: number;
  readonly target: number;
}

const rangeEntries = 10_000;
const writtenAtOnce = 100;
const warmUpReads = 10;
const warmUpWrites = 3;

/** Before each turn: what the other side does in the background (compactions, checkpoints, its garbage) is not to fall into it. */
const restMs = 100;

/**
 * Measures an adaptor against its own database used by hand, on the same entries in the same run, turn and turn about, so that a slow
 * hour of the machine meets both. Everything is removed from `parent` at the end.
 */
export async function compareWithDatabase(options: ComparisonOptions, parent: string): Promise<BenchmarkRow[]> {
  const { payloadBytes, rounds, targets } = options;
  const bench = new Workbench(options.makeBuilder(parent), { payloadBytes, rounds });
  const { batch1000, batch1, callers64 } = targets;
  const shapes: WriteShape[] = [
    { name: 'batches of 1,000', size: 1_000, callers: 1, calls: 50, target: batch1000 },
    { name: 'batches of 1', size: 1, callers: 1, calls: 400, target: batch1 },
    { name: '64 callers at once', size: 1, callers: 64, calls: 2_560, target: callers64 },
  ];
  const rows: BenchmarkRow[] = [];
  for (const shape of shapes) {
    options.onProgress?.(shape.name);
    rows.push(...(await inBothPlaces(options, bench, parent, (place) => compareWrites(options, bench, place, shape))));
  }
  options.onProgress?.('reads');
  rows.push(...(await inBothPlaces(options, bench, parent, (place) => compareReads(options, bench, place))));
  return rows;
}

async function inBothPlaces(
  options: ComparisonOptions,
  bench: Workbench,
  parent: string,
  work: (byHand: () => Promise<LogByHand>) => Promise<BenchmarkRow[]>,
): Promise<BenchmarkRow[]> {
  const directory = mkdtempSync(join(parent, 'by-hand-'));
  try {
    return await bench.inFreshPlace(() => work(async () => options.openByHand(directory)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function compareWrites(
  { name }: ComparisonOptions,
  bench: Workbench,
  openByHand: () => Promise<LogByHand>,
  shape: WriteShape,
): Promise<BenchmarkRow[]> {
  const byHand = await openByHand();
  try {
    return await bench.onEngine(async ({ logStore }) => {
      const rates: number[] = [];
      const handRates: number[] = [];
      for (let round = 0; round < bench.sizes.rounds + warmUpWrites; round++) {
        const batches = bench.source.batches(logStore.lastIndex + 1, shape.size, shape.calls);
        const turn = async (persist: (batch: readonly Entry[]) => Promise<void>): Promise<number> => {
          await setTimeout(restMs);
          const ms = await timed(() => callers(shape.callers, batches, persist));
          return perSecond(shape.size * shape.calls, ms);
        };
        rates.push(await turn((batch) => logStore.persistEntries(batch)));
        handRates.push(await turn(async (batch) => byHand.persist(batch)));
      }
      const [measured, byHandMeasured] = [rates.slice(warmUpWrites), handRates.slice(warmUpWrites)];
      return pair(`persistEntries, ${shape.name}`, 'entries/s', name, measured, byHandMeasured, shape.target);
    });
  } finally {
    await byHand.close();
  }
}

/** `count` callers share the batches; taking one and calling is one step, so the indexes stay in order over all callers. */
async function callers(
  count: number,
  batches: readonly Entry[][],
  persist: (batch: readonly Entry[]) => Promise<void>,
): Promise<void> {
  const rest = batches.values();
  const caller = async (): Promise<void> => {
    for (const batch of rest) await persist(batch);
  };
  await Promise.all(Array.from({ length: count }, caller));
}

async function compareReads(
  { name, targets }: ComparisonOptions,
  bench: Workbench,
  openByHand: () => Promise<LogByHand>,
): Promise<BenchmarkRow[]> {
  await writeBoth(bench, openByHand);
  const [reopened, handReopened]: [number[], number[]] = [[], []];
  const readReopened = async (): Promise<[number, number]> => [
    await bench.onEngine(({ logStore }) => timed(() => readEngine(logStore))),
    await onHand(openByHand, (byHand) => timed(() => readByHand(byHand))),
  ];
  // Each round is one read of a few milliseconds: it takes some before the runtime has compiled what it runs.
  for (let round = 0; round < warmUpReads; round++) await readReopened();
  for (let round = 0; round < bench.sizes.rounds; round++) {
    const [engineMs, handMs] = await readReopened();
    reopened.push(engineMs);
    handReopened.push(handMs);
  }
  const [cached, handCached]: [number[], number[]] = [[], []];
  await onHand(openByHand, (byHand) =>
    bench.onEngine(async ({ logStore }) => {
      for (let round = 0; round < bench.sizes.rounds + warmUpReads; round++) {
        cached.push(await timed(() => readEngine(logStore)));
        handCached.push(await timed(() => readByHand(byHand)));
      }
    }),
  );
  const what = `getEntries of ${entriesText(rangeEntries)} written in batches of ${grouped(writtenAtOnce)}`;
  return [
    ...pair(
      `${what}, cached`,
      'ms',
      name,
      cached.slice(warmUpReads),
      handCached.slice(warmUpReads),
      targets.cachedRead,
    ),
    ...pair(`${what}, reopened`, 'ms', name, reopened, handReopened, targets.reopenedRead),
  ];
}

async function writeBoth(bench: Workbench, openByHand: () => Promise<LogByHand>): Promise<void> {
  const batches = bench.source.batches(1, writtenAtOnce, rangeEntries / writtenAtOnce);
  await bench.onEngine(async ({ logStore }) => {
    for (const batch of batches) await logStore.persistEntries(batch);
    assertSame(await logStore.getEntries(1, rangeEntries), batches.flat(), 'the engine');
  });
  await onHand(openByHand, async (byHand) => {
    for (const batch of batches) await byHand.persist(batch);
    assertSame(await byHand.range(1, rangeEntries), batches.flat(), 'the database by hand');
  });
}

/** A side that gives something else than what was written is not faster, it is wrong. */
function assertSame(found: readonly Entry[], expected: readonly Entry[], who: string): void {
  const same =
    found.length === expected.length &&
    found.every((entry, i) => {
      const other = expected[i];
      return (
        entry.index === other?.index &&
        entry.term === other.term &&
        entry.kind === other.kind &&
        Buffer.compare(entry.data, other.data) === 0
      );
    });
  if (!same) throw new Error(`What ${who} gave is not what was written.`);
}

async function onHand<Result>(
  openByHand: () => Promise<LogByHand>,
  work: (byHand: LogByHand) => Promise<Result>,
): Promise<Result> {
  const byHand = await openByHand();
  try {
    return await work(byHand);
  } finally {
    await byHand.close();
  }
}

async function readEngine(log: LogStore): Promise<void> {
  checkRange(await log.getEntries(1, rangeEntries));
}

async function readByHand(byHand: LogByHand): Promise<void> {
  checkRange(await byHand.range(1, rangeEntries));
}

function checkRange(found: readonly Entry[]): void {
  if (found.length !== rangeEntries || found.at(-1)?.index !== rangeEntries) {
    throw new Error(`A read of ${rangeEntries} entries gave ${found.length}: there is nothing to time.`);
  }
}

/** The figures of both sides, and how many times faster the engine was, round by round. */
function pair(
  what: string,
  unit: 'entries/s' | 'ms',
  database: string,
  engine: readonly number[],
  byHand: readonly number[],
  target: number,
): BenchmarkRow[] {
  const ratios = engine.map((own, round) => {
    const other = byHand[round] ?? Number.NaN;
    return unit === 'ms' ? other / own : own / other;
  });
  return [
    row(what, unit, engine),
    row(`  ${database} by hand`, unit, byHand),
    row('  times as fast', 'ratio', ratios, { kind: 'above', value: target }),
  ];
}
