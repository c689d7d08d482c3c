import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RUN_SPAN, RunTable } from '../src/run-table.ts';

/** What a table stands for: every block with its place. */
type Placed = { readonly key: number; readonly offset: number; readonly end: number }[];

test('finds every live block in a run that is small enough to be read at once', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ add: fc.nat(100_000), gap: fc.integer({ min: 1, max: 50 }) }) },
    { weight: 1, arbitrary: fc.record({ cut: fc.nat(60) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new RunTable();
      let live: Placed = [];
      let offset = 4096;
      let key = 0;
      for (const change of steps) {
        if ('add' in change) {
          key += change.gap;
          live.push({ key, offset, end: offset + change.add });
          table.add(key, offset, offset + change.add);
          offset += change.add + 120;
        } else {
          key = Math.max(0, key - change.cut);
          live = live.filter((block) => block.key <= key);
          table.cut(key + 1);
        }
      }
      const decoded = RunTable.decode(table.encode());
      for (const { key: wanted, offset: at, end } of live) {
        const run = decoded.find(wanted);
        expect(decoded.offset(run)).toBeLessThanOrEqual(at);
        expect(decoded.end(run)).toBeGreaterThanOrEqual(end);
        expect(decoded.lastKey(run)).toBeGreaterThanOrEqual(wanted);
        expect(decoded.end(run) - decoded.offset(run)).toBeLessThanOrEqual(Math.max(RUN_SPAN, end - at));
      }
      expect(decoded.find(key + 1)).toBe(decoded.length);
    }),
  );
});

test('takes a few bytes per 64 KiB of records, however small they are', () => {
  const table = new RunTable();
  const record = 550;
  const records = 1_000_000;
  for (let key = 1; key <= records; key++) table.add(key, key * record, key * record + record);
  expect(table.byteLength).toBeLessThan(((records * record) / RUN_SPAN) * 24 * 2.1);
});
