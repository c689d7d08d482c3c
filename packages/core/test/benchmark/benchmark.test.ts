import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { measureStalls } from '../../src/benchmark/event-loop.ts';
import { type BenchmarkOptions, formatReport, runPerformanceTests } from '../../src/benchmark/index.ts';
import { Workbench } from '../../src/benchmark/workbench.ts';
import { ArrayBuilder, type ArrayEngineOptions } from './array-engine.ts';

const tiny: BenchmarkOptions = {
  payloadBytes: 8,
  batchSizes: [1, 100],
  callers: 4,
  rounds: 1,
  roundEntries: 200,
  rangeEntries: 50,
  resetEntries: 100,
  logEntries: 1_000,
  stallEntries: 2_000,
};

const builders: ArrayBuilder[] = [];

function makeBuilder(options?: ArrayEngineOptions): ArrayBuilder {
  const builder = new ArrayBuilder(options);
  builders.push(builder);
  return builder;
}

afterEach(() => {
  for (const builder of builders.splice(0)) builder.dispose();
});

describe('runPerformanceTests', () => {
  it('measures everything that the targets speak of, and leaves the place empty', async () => {
    const builder = makeBuilder();
    const report = await runPerformanceTests(builder, tiny);
    expect(report.rows.map(({ name }) => name)).toEqual([
      'persistEntries, batches of 1',
      'persistEntries, batches of 100',
      'persistEntries of 1, 4 callers at once',
      'persistEntries, 10,000 entries in one call',
      'bare write + fdatasync of 1,000 at a time',
      'the engine, in turn with it',
      'batches of 1,000 against bare write + fdatasync',
      'longest event-loop stall, batches of 1,000',
      '  making the entries alone',
      'entry(), cached',
      'getEntries of 50 entries, cached',
      'lastIndex',
      'entry(), right after open',
      'getEntries of 50 entries, the end of the log right after open',
      'purge of 50 entries',
      'truncate of 50 entries',
      'reset of 100 entries',
      'reopen of 1,000 entries',
      'getEntries of 50 entries from its middle, right after open',
    ]);
    expect(report.leftOut.map(({ name }) => name)).toEqual(['memory over idle, 1,000 entries']);
    expect(report.rows.filter(({ target }) => target === undefined).map(({ name }) => name)).toEqual([
      'persistEntries, batches of 1',
      'persistEntries of 1, 4 callers at once',
      'bare write + fdatasync of 1,000 at a time',
      'the engine, in turn with it',
      'longest event-loop stall, batches of 1,000',
      '  making the entries alone',
      'reopen of 1,000 entries',
      'getEntries of 50 entries from its middle, right after open',
    ]);
    for (const row of report.rows) {
      expect(row.pass === undefined, row.name).toBe(row.target === undefined);
      expect(row.measured, row.name).toBeGreaterThanOrEqual(row.low);
      expect(row.measured, row.name).toBeLessThanOrEqual(row.high);
    }
    expect(report).toMatchObject({ adaptor: 'array', durability: 'sync' });
    expect(JSON.parse(JSON.stringify(report)).rows).toHaveLength(report.rows.length);
    expect(builder).toMatchObject({ open: 0, entriesLeft: 0 });
    expect(readdirSync(builder.parent)).toEqual(['store']);
  });

  it('reports a slow engine as a miss, and no other figure of it', async () => {
    // 100 entries per 5 ms are at most 20,000 a second, and the disk does 1,000 in far less than 5 ms twice.
    const report = await runPerformanceTests(makeBuilder({ persistMs: 5 }), tiny);
    const missed = report.rows.filter(({ pass }) => pass === false).map(({ name }) => name);
    expect(missed).toContain('persistEntries, batches of 100');
    expect(missed).not.toContain('purge of 50 entries');
    expect(report.pass).toBe(false);
    const slow = report.rows.find(({ name }) => name === 'persistEntries, batches of 100');
    expect(slow?.measured).toBeLessThanOrEqual(20_000 * 1.05);
    expect(formatReport(report)).toMatch(/persistEntries, batches of 100 .*>= 100,000 entries\/s.* MISS$/m);
  });

  it('sees an engine that blocks the event loop', async () => {
    const { rows } = await measureStalls(new Workbench(makeBuilder({ blockMs: 50 }), tiny));
    expect(rows.map(({ samples, pass }) => [samples, pass])).toEqual([
      [1, undefined],
      [1, undefined],
    ]);
    // Two callers block for 50 ms each before the event loop turns.
    const [engine, alone] = rows.map(({ measured }) => measured);
    expect(engine).toBeGreaterThan(90);
    expect(alone).toBeLessThan(90);
  });

  it('holds figures against the targets that it is given', async () => {
    const targets = { persistOneCall: { kind: 'below', value: 0 }, lastIndex: { kind: 'above', value: 0 } } as const;
    const report = await runPerformanceTests(makeBuilder(), { ...tiny, targets });
    const pass = (name: string) => report.rows.find((row) => row.name === name)?.pass;
    expect(pass('persistEntries, 10,000 entries in one call')).toBe(false);
    expect(pass('lastIndex')).toBe(true);
  });

  it('does not time answers that are wrong, and closes what it opened', async () => {
    const builder = makeBuilder({ loseLast: true });
    await expect(runPerformanceTests(builder, tiny)).rejects.toThrow('getEntries(1, 50) gave 49 entries');
    expect(builder).toMatchObject({ open: 0, entriesLeft: 0 });
  });

  it('names what a volatile engine can not be asked for', async () => {
    const report = await runPerformanceTests(makeBuilder({ durability: 'volatile' }), tiny);
    expect(report.leftOut.map(({ name }) => name)).toEqual([
      'batches of 1,000 against bare write + fdatasync',
      'reads after reopening',
      'reopen of 1,000 entries',
      'memory over idle, 1,000 entries',
    ]);
    expect(report.rows.some(({ name }) => /reopen|fdatasync/.test(name))).toBe(false);
  });

  it('leaves out a batch that the engine would refuse', async () => {
    const large = { ...tiny, payloadBytes: 70_000, batchSizes: [1, 1_000], roundEntries: 10, rangeEntries: 5 };
    const report = await runPerformanceTests(makeBuilder(), { ...large, resetEntries: 5, logEntries: 5 });
    expect(report.leftOut.map(({ name }) => name)).toEqual([
      'persistEntries, batches of 1,000',
      'persistEntries, 10,000 entries in one call',
      'batches of 1,000 against bare write + fdatasync',
      'longest event-loop stall, batches of 1,000',
      'memory over idle, 5 entries',
    ]);
  });

  it.each([
    ['rounds', { rounds: 0 }],
    ['batchSizes', { batchSizes: [1, 2.5] }],
    ['payloadBytes', { payloadBytes: -1 }],
    ['rangeEntries', { payloadBytes: 1_000_000 }],
  ])('refuses sizes that make no sense: %s', async (name, options) => {
    await expect(runPerformanceTests(makeBuilder(), options)).rejects.toThrow(name);
  });
});
