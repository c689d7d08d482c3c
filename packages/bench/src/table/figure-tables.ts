import { grouped } from '@raftlog/core/benchmark';
import { contenderLabel } from '../contenders/names.ts';
import type { FigureOf, Results, TrialRecord } from '../run/results.ts';
import type { AppendWorkload, NodeWorkload, Workload } from '../workloads/workload.ts';
import { figureText, rangeText, type Table } from './table.ts';

/** A column: a figure with its unit. */
type Column = readonly [title: string, figure: string];

const LATENCY: readonly Column[] = [
  ['median, ms', 'p50Ms'],
  ['99 %, ms', 'p99Ms'],
  ['longest, ms', 'maxMs'],
];

/** Everything that was measured, kind by kind; kinds of which nothing was measured are left out. */
export function figureTables(results: Results): Table[] {
  return [
    appendTable(results),
    plainFigures(results, 'read', 'Reads', [
      ['getEntries cached, ms', 'rangeCachedMs'],
      ['reopened, ms', 'rangeReopenedMs'],
      ['entry() cached, µs', 'entryCachedUs'],
      ['reopened, µs', 'entryReopenedUs'],
    ]),
    plainFigures(results, 'cut', 'Purge, truncate, reset', [
      ['purge, ms', 'purgeMs'],
      ['truncate, ms', 'truncateMs'],
      ['reset, ms', 'resetMs'],
    ]),
    plainFigures(results, 'open', 'Opening a log, in a fresh process', [
      ['open, ms', 'openMs'],
      ['entry() anywhere, µs', 'entryAnywhereUs'],
      ['memory over idle, MiB', 'openMemoryMiB'],
    ]),
    plainFigures(results, 'memory', 'Memory over idle', [
      ['writing, MiB', 'writeMemoryMiB'],
      ['reading, MiB', 'readMemoryMiB'],
      ['mapped files besides, MiB', 'mappedMiB'],
    ]),
    plainFigures(results, 'stall', 'Longest event-loop stall', [
      ['stall, ms', 'stallMs'],
      ['making the entries alone, ms', 'makingMs'],
    ]),
    nodeTable(results),
    plainFigures(results, 'sustained', 'Sustained load', [
      ['entries/s', 'entriesPerSecond'],
      ['last third against first', 'throughputDrift'],
      ['memory, MiB', 'mostMemoryMiB'],
      ['directory, MiB', 'mostDirectoryMiB'],
    ]),
  ].filter(({ rows }) => rows.length > 0);
}

function appendTable(results: Results): Table {
  const rows = distinct(results, 'append').map(({ contender, workload }) => {
    const of = (figure: string): FigureOf => ({ contender, workload, figure });
    const rate = results.summary(of('entriesPerSecond'));
    const limit: FigureOf = { contender: 'limit', workload: calledByOne(workload), figure: 'entriesPerSecond' };
    const ofLimit = results.ratio(of('entriesPerSecond'), limit);
    return [
      contenderLabel(contender),
      grouped(workload.batch),
      grouped(workload.payload),
      grouped(workload.callers),
      rate === undefined ? '–' : figureText(rate.median),
      rate === undefined ? '' : rangeText(rate),
      ofLimit === undefined ? '–' : figureText(ofLimit.median),
      ...LATENCY.map(([, figure]) => medianText(results, of(figure))),
    ];
  });
  const head = ['appends', 'batch', 'bytes', 'in flight', 'entries/s', 'range', 'of the limit', ...titles(LATENCY)];
  return {
    title: 'Durable appends',
    note: 'The limit is a bare, blocking write and fdatasync of the same bytes, one after the other.',
    head,
    rows,
  };
}

function nodeTable(results: Results): Table {
  const figure = 'proposalsPerSecond';
  const rows = distinct(results, 'node').map(({ contender, workload }) => {
    const of = (name: string): FigureOf => ({ contender, workload, figure: name });
    const rate = results.summary(of(figure));
    const ofMemory = results.ratio(of(figure), { contender: 'memory', workload, figure });
    return [
      contender,
      String(workload.nodes),
      grouped(workload.proposers),
      rate === undefined ? '–' : figureText(rate.median),
      rate === undefined ? '' : rangeText(rate),
      ofMemory === undefined ? '–' : figureText(ofMemory.median),
      ...LATENCY.map(([, name]) => medianText(results, of(name))),
    ];
  });
  const head = ['engine', 'nodes', 'proposers', 'proposals/s', 'range', 'of the memory engine', ...titles(LATENCY)];
  return { title: 'Raft nodes', note: 'A cluster in one process, its nodes joined by memory.', head, rows };
}

function plainFigures(results: Results, kind: Workload['kind'], title: string, columns: readonly Column[]): Table {
  const rows = distinct(results, kind).map(({ contender, workload }) => [
    contenderLabel(contender),
    sizeText(workload),
    ...columns.map(([, figure]) => medianText(results, { contender, workload, figure })),
  ]);
  const head = ['adaptor', ['stall', 'sustained'].includes(kind) ? 'batch' : 'entries', ...titles(columns)];
  return { title, head, rows };
}

function sizeText(workload: Workload): string {
  if (workload.kind === 'memory') return `${grouped(workload.entries)} in batches of ${grouped(workload.batch)}`;
  if ('entries' in workload) return grouped(workload.entries);
  return 'batch' in workload ? grouped(workload.batch) : '';
}

function titles(columns: readonly Column[]): string[] {
  return columns.map(([title]) => title);
}

function medianText(results: Results, of: FigureOf): string {
  const summary = results.summary(of);
  return summary === undefined ? '–' : figureText(summary.median);
}

function calledByOne(workload: AppendWorkload): AppendWorkload {
  return { ...workload, callers: 1 };
}

type Of<Kind extends Workload['kind']> = Kind extends 'append'
  ? AppendWorkload
  : Kind extends 'node'
    ? NodeWorkload
    : Workload;

/** Each contender and workload once, in the order in which they ran first. */
export function distinct<Kind extends Workload['kind']>(
  results: Results,
  kind: Kind,
): { contender: TrialRecord['contender']; workload: Of<Kind> }[] {
  const seen = new Map<string, { contender: TrialRecord['contender']; workload: Of<Kind> }>();
  for (const { contender, workload, result } of results.trials) {
    if (workload.kind !== kind || result === undefined) continue;
    const key = `${contender} ${JSON.stringify(workload)}`;
    // The kind has just been compared.
    if (!seen.has(key)) seen.set(key, { contender, workload: workload as Of<Kind> });
  }
  return [...seen.values()];
}
