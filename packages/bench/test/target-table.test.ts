import { expect, test } from 'vitest';
import { Results } from '../src/run/results.ts';
import { comparisonRows } from '../src/table/comparison-rows.ts';
import { markdownTable, plainTable } from '../src/table/table.ts';
import { atLeast, countTargets, type TargetRow, targetRow, targetTable, under } from '../src/table/target-row.ts';
import { fileTargetRows } from '../src/table/target-rows.ts';
import { fakeResults, optionsOf, rates } from './support/fake-results.ts';

const everything = '--peers --open-100m --sustained 10 --log-length 1000000';

function rowsOf(commandLine: string, figures = rates({ file: 900, 'raft-boltdb': 100 })): TargetRow[] {
  const options = optionsOf(commandLine);
  return fileTargetRows(fakeResults(options, figures), options);
}

function resultOf(rows: readonly TargetRow[], work: string, against = ''): TargetRow['pass'] | string {
  const row = rows.find((each) => each.work === work && each.against === against);
  if (row === undefined) throw new Error(`There is no row "${work}" against "${against}".`);
  return row.missing ?? row.pass;
}

test('every row of the table is judged where everything was measured', () => {
  const rows = rowsOf(everything);
  expect(rows.filter(({ missing }) => missing !== undefined)).toEqual([]);
  // Rows without a target only tell how the other kind of bare write compares, and what a read from the disk costs.
  expect(rows.filter(({ target }) => target === undefined).map(({ against }) => against)).toEqual([
    'the limit, asynchronous',
    'the limit, asynchronous',
    'the limit',
    '',
  ]);
  expect(resultOf(rows, 'batches of 1,000, one in flight', 'raft-boltdb')).toBe(true);
  expect(resultOf(rows, 'batches of 1,000, one in flight', "etcd's WAL")).toBe(false);
  expect(resultOf(rows, 'batches of 100, one in flight', "etcd's WAL")).toBe(true);
  expect(resultOf(rows, 'getEntries of 10,000, cached')).toBe(true);
  expect(resultOf(rows, 'getEntries of 10,000, reopened')).toBe(false);
  expect(resultOf(rows, 'memory over idle, 10,000,000 entries in batches of 1: reading')).toBe(false);
  expect(resultOf(rows, 'open a log of 100,000,000 entries of 16 B')).toBe(true);
});

test('a row whose contender is missing is there and says so', () => {
  const options = optionsOf(everything);
  const rows = fileTargetRows(fakeResults(options, rates({}), new Map()), options);
  expect(rows).toHaveLength(rowsOf(everything).length);
  expect(resultOf(rows, 'batches of 1,000, one in flight', "etcd's WAL")).toBe('etcd-wal not measured');
  expect(resultOf(rows, 'batches of 1,000, one in flight', 'the limit')).toBe(true);
  expect(countTargets(rows)).toMatch(/^\d+ of \d+ targets met; \d+ missed; 13 not measured$/);
});

test('figures of other sizes than the targets speak of are told, not judged', () => {
  const rows = rowsOf(`${everything} --range-entries 100 --memory-entries 1000`);
  expect(resultOf(rows, 'getEntries of 100, reopened')).toBeUndefined();
  expect(resultOf(rows, 'memory over idle, 1,000 entries in batches of 1: reading')).toBeUndefined();
  expect(rowsOf(`${everything} --payloads 16`).every(({ target }) => target === undefined)).toBe(true);
});

test('pass, miss and missing as text', () => {
  const of = (target: TargetRow['target']) => ({ work: 'w', against: 'a', unit: '×' as const, target });
  const rows = [
    targetRow(of(atLeast(2)), { median: 2, low: 1.5, high: 2500 }),
    targetRow(of(under(2)), { median: 2, low: 2, high: 2 }),
    targetRow(of(atLeast(2)), 'not measured'),
    targetRow(of(undefined), { median: 0.1234, low: 0.1, high: 0.2 }),
  ];
  expect(targetTable('t', rows).rows).toEqual([
    ['w', 'a', '≥ 2 ×', '2 ×', '1.5 – 2,500', 'pass'],
    ['w', 'a', '< 2 ×', '2 ×', '', 'MISS'],
    ['w', 'a', '≥ 2 ×', '–', '', 'not measured'],
    ['w', 'a', '', '0.123 ×', '0.1 – 0.2', ''],
  ]);
  expect(countTargets(rows)).toBe('1 of 3 targets met; 1 missed; 1 not measured');
});

test('a comparison keeps the targets of the adaptor, and a failed one is a row', () => {
  const workload = { kind: 'comparison', rounds: 1, payload: 256 } as const;
  const figures = { low: 1, high: 1, samples: 1, target: undefined, pass: undefined } as const;
  const rows = comparisonRows(
    new Results([
      {
        contender: 'level',
        workload,
        run: 1,
        seconds: 1,
        result: {
          figures: {},
          rows: [
            { ...figures, name: 'reads', unit: 'ms', measured: 1 },
            { ...figures, name: '  LevelDB by hand', unit: 'ms', measured: 4 },
            {
              name: '  times as fast',
              unit: 'ratio',
              measured: 4,
              low: 3,
              high: 5,
              samples: 2,
              target: atLeast(5),
              pass: false,
            },
          ],
        },
      },
      { contender: 'lmdb', workload, run: 1, seconds: 1, error: 'no room' },
    ]),
  );
  expect(rows).toEqual([
    {
      work: 'level: reads',
      against: 'level by hand',
      unit: '×',
      target: atLeast(5),
      measured: { median: 4, low: 3, high: 5 },
      pass: false,
      missing: undefined,
    },
    expect.objectContaining({ work: 'lmdb: all ratios', missing: 'failed: no room' }),
  ]);
});

test('tables as text and as Markdown', () => {
  const table = { title: 'T', note: 'N', head: ['name', 'value'], rows: [['a|b', '1,000']] };
  expect(plainTable(table)).toBe('T\nN\n\nname  value\na|b   1,000');
  expect(markdownTable(table)).toBe('### T\n\nN\n\n| name | value |\n|---|---:|\n| a\\|b | 1,000 |');
});
