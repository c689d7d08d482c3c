import { describe, expect, it } from 'vitest';
import { formatRows } from '../../src/benchmark/format.ts';
import { row } from '../../src/benchmark/row.ts';
import { summarize } from '../../src/benchmark/statistics.ts';

describe('summarize', () => {
  it('takes the middle, or the mean of the two in the middle', () => {
    expect(summarize([9, 1, 5])).toEqual({ median: 5, low: 1, high: 9 });
    expect(summarize([4, 1, 2, 9])).toEqual({ median: 3, low: 1, high: 9 });
  });

  it('has no answer without samples or with one that is no number', () => {
    expect(() => summarize([])).toThrow('No samples');
    expect(() => summarize([1, Number.NaN])).toThrow('not a number');
    expect(() => summarize([Number.POSITIVE_INFINITY])).toThrow('not a number');
  });
});

describe('row', () => {
  it('passes at the value of an "above" target and misses at that of a "below" target', () => {
    expect(row('x', 'ratio', [0.5], { kind: 'above', value: 0.5 }).pass).toBe(true);
    expect(row('x', 'ratio', [0.49], { kind: 'above', value: 0.5 }).pass).toBe(false);
    expect(row('x', 'ms', [1], { kind: 'below', value: 1 }).pass).toBe(false);
    expect(row('x', 'ms', [0.99], { kind: 'below', value: 1 }).pass).toBe(true);
    expect(row('x', 'ms', [1]).pass).toBeUndefined();
  });
});

describe('formatRows', () => {
  it('prints target, measured, range, and pass or miss', () => {
    const text = formatRows(
      [
        row('fast', 'entries/s', [1_234_567, 1_000_000, 2_000_000], { kind: 'above', value: 100_000 }),
        row('late', 'ms', [2.3456], { kind: 'below', value: 1 }),
        row('half', 'ratio', [0.5]),
      ],
      [{ name: 'rest', reason: 'Because.' }],
    );
    expect(text).toMatchInlineSnapshot(`
      "                    target             measured               lowest              highest
      fast  >= 100,000 entries/s  1,234,567 entries/s  1,000,000 entries/s  2,000,000 entries/s  pass
      late                < 1 ms              2.35 ms                                            MISS
      half                                     0.50 x

      Left out: rest. Because.
      1 of 2 targets met; 1 missed."
    `);
  });
});
