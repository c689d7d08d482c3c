import { type BenchmarkTarget, entriesText, grouped } from '@raftlog/core/benchmark';
import type { ContenderName } from '../contenders/names.ts';
import type { BenchOptions } from '../options.ts';
import type { FigureOf, Results } from '../run/results.ts';
import {
  appendOf,
  cutOf,
  HUNDRED_MILLION,
  MEMORY_BATCHES,
  mainPayload,
  memoryOf,
  openOf,
  readOf,
  STALL_BATCHES,
  stallOf,
  sustainedOf,
} from '../run/shapes.ts';
import type { Workload } from '../workloads/workload.ts';
import { atLeast, type TargetRow, type TargetUnit, targetRow, under } from './target-row.ts';

const million = 1_000_000;
/** Sizes that the targets speak of. Of others the figures are told, and not judged. */
const STANDARD = { payload: 256, range: 10_000, cut: million, memory: 10_000_000, keepMiB: 1024, minutes: 10 };

/** All that is demanded of the file adaptor, in order; what wasn't measured says why. */
export function fileTargetRows(results: Results, options: BenchOptions): TargetRow[] {
  const rows = new FileRows(results, options);
  return [...appendRows(rows), ...readRows(rows), ...cutRows(rows), ...lengthRows(rows), ...loadRows(rows)];
}

function appendRows(rows: FileRows): TargetRow[] {
  return [
    ...[1_000, 10_000].flatMap((batch) => [
      rows.against('etcd-wal', [batch, 1], 1),
      rows.against('etcd-wal', [batch, 2], 1.2),
      rows.against('etcd-wal', [batch, 8], 1.2),
      rows.against('raft-boltdb', [batch, 1], 4),
      rows.against('limit', [batch, 1], 0.6),
      rows.against('limit-async', [batch, 1]),
    ]),
    rows.against('etcd-wal', [100, 1], 0.5),
    rows.against('etcd-wal', [100, 8], 1.5),
    rows.against('limit-async', [1, 1], 0.7),
    rows.against('limit', [1, 1]),
    rows.against('raft-boltdb', [1, 1], 2),
    ...[64, 1_000].flatMap((callers) => [
      rows.against('file', [1, callers], 15),
      rows.against('etcd-wal', [1, callers], 2),
    ]),
  ];
}

function readRows(rows: FileRows): TargetRow[] {
  const read = readOf(rows.options);
  const range = `getEntries of ${grouped(read.entries)}`;
  const long = openOf(million, rows.options);
  const judged = read.entries === STANDARD.range;
  return [
    rows.figure(`${range}, cached`, read, 'rangeCachedMs', 'ms', judged && under(0.5)),
    rows.figure(`${range}, reopened`, read, 'rangeReopenedMs', 'ms', judged && under(1)),
    rows.figure('entry(), cached', read, 'entryCachedUs', 'µs', under(2)),
    rows.figure('entry(), reopened', read, 'entryReopenedUs', 'µs', under(100)),
    rows.figure(
      `entry() anywhere in ${entriesText(long.entries)}, fresh process`,
      long,
      'entryAnywhereUs',
      'µs',
      false,
    ),
  ];
}

function cutRows(rows: FileRows): TargetRow[] {
  const cut = cutOf(rows.options);
  const range = grouped(cut.range);
  const judged = cut.range === STANDARD.range && cut.entries === STANDARD.cut;
  return [
    rows.figure(`purge of ${range} out of ${grouped(cut.entries)}`, cut, 'purgeMs', 'ms', judged && under(5)),
    rows.figure(`truncate of ${range}`, cut, 'truncateMs', 'ms', judged && under(5)),
    rows.figure(`reset of ${grouped(cut.entries)}`, cut, 'resetMs', 'ms', judged && under(50)),
  ];
}

function lengthRows(rows: FileRows): TargetRow[] {
  const { options } = rows;
  const open = (entries: number, target: BenchmarkTarget): TargetRow => {
    const workload = openOf(entries, options);
    return rows.figure(
      `open a log of ${entriesText(entries)} of ${workload.payload} B`,
      workload,
      'openMs',
      'ms',
      target,
    );
  };
  const memory = MEMORY_BATCHES.flatMap((batch) => {
    const workload = memoryOf(batch, options);
    const name = `memory over idle, ${entriesText(workload.entries)} in batches of ${grouped(batch)}`;
    const target = workload.entries === STANDARD.memory && under(64);
    return [
      rows.figure(`${name}: writing`, workload, 'writeMemoryMiB', 'MiB', target),
      rows.figure(`${name}: reading`, workload, 'readMemoryMiB', 'MiB', target),
    ];
  });
  return [open(million, under(100)), open(HUNDRED_MILLION, under(1_000)), ...memory];
}

function loadRows(rows: FileRows): TargetRow[] {
  const sustained = sustainedOf(rows.options);
  const name = `${sustained.minutes} minutes with purge keeping ${grouped(sustained.keepMiB)} MiB`;
  const judged = sustained.keepMiB === STANDARD.keepMiB && sustained.minutes >= STANDARD.minutes;
  return [
    ...STALL_BATCHES.map((batch) => {
      const stall = stallOf(batch, rows.options);
      return rows.figure(`longest event-loop stall, batches of ${grouped(batch)}`, stall, 'stallMs', 'ms', under(5));
    }),
    // A machine that others use too is never the same for ten minutes: what falls by a tenth is called a drift.
    rows.figure(
      `${name}: throughput, last third against the first`,
      sustained,
      'throughputDrift',
      '×',
      judged && atLeast(0.9),
    ),
    rows.figure(`${name}: growth of memory`, sustained, 'memoryGrowthMiB', 'MiB', judged && under(16)),
    // What is purged is given back in segments of 64 MiB.
    rows.figure(`${name}: growth of the directory`, sustained, 'directoryGrowthMiB', 'MiB', judged && under(64)),
  ];
}

/** Makes rows about the file adaptor. */
class FileRows {
  readonly options: BenchOptions;
  readonly #results: Results;

  constructor(results: Results, options: BenchOptions) {
    this.#results = results;
    this.options = options;
  }

  /** Appends in this shape against those of another contender, which is called by one. */
  against(other: ContenderName, [batch, callers]: readonly [number, number], target?: number): TargetRow {
    const payload = mainPayload(this.options);
    const figure = 'entriesPerSecond';
    const own: FigureOf = { contender: 'file', workload: appendOf(batch, callers, payload), figure };
    const others: FigureOf = { contender: other, workload: appendOf(batch, 1, payload), figure };
    const missing = [own, others].find((each) => this.#results.summary(each) === undefined);
    const row = {
      work: appendText(batch, callers),
      against: other === 'file' ? 'one caller' : (AGAINST[other] ?? other),
      unit: '×' as const,
      target: target === undefined ? undefined : this.#demanded(atLeast(target)),
    };
    const found = this.#results.ratio(own, others);
    return targetRow(
      row,
      found ?? (missing === undefined ? '' : `${missing.contender} ${this.#results.whyNot(missing)}`),
    );
  }

  /** A figure itself; `false`: it is told, and nothing is demanded. */
  figure(
    work: string,
    workload: Workload,
    figure: string,
    unit: TargetUnit,
    demand: BenchmarkTarget | false,
  ): TargetRow {
    const of: FigureOf = { contender: 'file', workload, figure };
    const target = demand === false ? undefined : this.#demanded(demand);
    return targetRow({ work, against: '', unit, target }, this.#results.summary(of) ?? this.#results.whyNot(of));
  }

  #demanded(target: BenchmarkTarget): BenchmarkTarget | undefined {
    return mainPayload(this.options) === STANDARD.payload ? target : undefined;
  }
}

const AGAINST: Partial<Record<ContenderName, string>> = {
  limit: 'the limit',
  'limit-async': 'the limit, asynchronous',
  'etcd-wal': "etcd's WAL",
};

function appendText(batch: number, callers: number): string {
  if (batch === 1 && callers > 1) return `single entries, ${grouped(callers)} callers`;
  const flight = callers === 1 ? 'one in flight' : `${callers} in flight`;
  return `batches of ${grouped(batch)}, ${batch === 1 ? 'one caller' : flight}`;
}
