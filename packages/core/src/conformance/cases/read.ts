import assert from 'node:assert/strict';
import { encodedEntryBytes } from '../../log-store.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertLog, assertSameEntries, assertSameEntry, rejectsWith } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import {
  applyToEngine,
  applyToModel,
  cloneModel,
  createModel,
  type LogModel,
  type LogOperation,
  modelRange,
} from '../model.ts';
import { createRandom } from '../random.ts';
import { awaitedLater } from './awaited-later.ts';
import { defineCases } from './define-cases.ts';
import { expectLog, openWith } from './open-with.ts';

const define = defineCases('read');

/** C 23–25, 27, 28: entries, ranges, terms, and reads that race writes. Streams are in stream.ts. */
export const readCases: readonly ConformanceCase[] = [
  define(
    'C23-ranges-clip',
    'ranges are inclusive, clip to what exists, and are empty when inverted',
    async (context) => {
      const entries = createTestEntries(1, 10, 1);
      await context.andAfterReopen(await openWith(context, entries, { batch: 3 }), async ({ logStore }) => {
        const ranges: [number, number, number, number][] = [
          [3, 3, 3, 3],
          [1, 10, 1, 10],
          [0, 3, 1, 3],
          [0, 0, 1, 0],
          [8, 100, 8, 10],
          [100, 200, 1, 0],
          [11, 11, 1, 0],
          [5, 4, 1, 0],
          [10, 1, 1, 0],
          [200, 100, 1, 0],
        ];
        for (const [first, last, from, to] of ranges) {
          const expected = entries.slice(from - 1, to);
          assertSameEntries(await logStore.getEntries(first, last), expected, `getEntries(${first}, ${last})`);
        }
      });
    },
  ),

  define('C23-ranges-clip-at-boundary', 'ranges clip at the purge boundary', async (context) => {
    const entries = createTestEntries(1, 10, 1);
    const engine = await openWith(context, entries, { batch: 4 });
    await engine.logStore.purge({ index: 5, term: 1 });
    await context.andAfterReopen(engine, async ({ logStore }) => {
      assertSameEntries(await logStore.getEntries(1, 7), entries.slice(5, 7), 'getEntries(1, 7)');
      assertSameEntries(await logStore.getEntries(1, 5), [], 'getEntries(1, 5)');
      assertSameEntries(await logStore.getEntries(5, 6), entries.slice(5, 6), 'getEntries(5, 6)');
      assertSameEntry(await logStore.entry(5), undefined, 'entry(5)');
      assertSameEntry(await logStore.entry(6), entries[5], 'entry(6)');
    });
  }),

  define('C23-exact', 'with exact, a range that reaches beyond the log is PURGED or NOT_FOUND', async (context) => {
    const entries = createTestEntries(1, 10, 1);
    const engine = await openWith(context, entries);
    await engine.logStore.purge({ index: 3, term: 1 });
    await context.andAfterReopen(engine, async ({ logStore }) => {
      const exact = (first: number, last: number) => logStore.getEntries(first, last, { exact: true });
      assertSameEntries(await exact(4, 10), entries.slice(3), 'exact 4..10');
      assertSameEntries(await exact(7, 7), entries.slice(6, 7), 'exact 7..7');
      await rejectsWith('PURGED', exact(3, 5), 'exact 3..5');
      await rejectsWith('PURGED', exact(1, 2), 'exact 1..2');
      await rejectsWith('NOT_FOUND', exact(10, 11), 'exact 10..11');
      await rejectsWith('NOT_FOUND', exact(50, 60), 'exact 50..60');
      await rejectsWith(['PURGED', 'NOT_FOUND'], exact(1, 60), 'exact 1..60');
    });
  }),

  define('C23-invalid-arguments', 'arguments that are no index or no size are INVALID_ARGUMENT', async (context) => {
    const engine = await openWith(context, createTestEntries(1, 5, 1));
    const { logStore } = engine;
    for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1' as never]) {
      const calls: [string, () => Promise<unknown>][] = [
        ['entry', () => logStore.entry(wrong)],
        ['termAt', () => logStore.termAt(wrong)],
        ['getEntries, first', () => logStore.getEntries(wrong, 3)],
        ['getEntries, last', () => logStore.getEntries(1, wrong)],
        ['entries, first', () => firstOf(logStore.entries({ first: wrong }))],
        ['entries, last', () => firstOf(logStore.entries({ last: wrong }))],
      ];
      for (const [what, call] of calls) await rejectsWith('INVALID_ARGUMENT', call(), `${what} with ${wrong}`);
    }
    for (const wrong of [-1, Number.NaN]) {
      await rejectsWith('INVALID_ARGUMENT', logStore.getEntries(1, 5, { maxBytes: wrong }), `maxBytes ${wrong}`);
      const stream = logStore.entries({}, { chunkBytes: wrong });
      await rejectsWith('INVALID_ARGUMENT', firstOf(stream), `chunkBytes ${wrong}`);
    }
    await assertLog(engine, createTestEntries(1, 5, 1));
  }),

  define('C23-aborted', 'a read whose signal has fired rejects with ABORTED', async (context) => {
    const { logStore } = await openWith(context, createTestEntries(1, 5, 1));
    const signal = AbortSignal.abort();
    await rejectsWith('ABORTED', logStore.getEntries(1, 5, { signal }), 'getEntries');
    assert.equal((await logStore.getEntries(1, 5, { signal: new AbortController().signal })).length, 5);
  }),

  define('C24-max-bytes', 'maxBytes is exact to the byte and always lets one entry through', async (context) => {
    const entries = [50, 0, 1000, 70_000, 16, 300].map((bytes, at) => createTestEntry(at + 1, 1, { bytes }));
    await context.andAfterReopen(await openWith(context, entries, { batch: 2 }), async ({ logStore }) => {
      for (let first = 1; first <= entries.length; first++) {
        let sum = 0;
        for (let last = first; last <= entries.length; last++) {
          sum += encodedEntryBytes(entries[last - 1] ?? createTestEntry(last, 1));
          const exact = await logStore.getEntries(first, 6, { maxBytes: sum });
          const less = await logStore.getEntries(first, 6, { maxBytes: sum - 1 });
          assertSameEntries(exact, entries.slice(first - 1, last), `from ${first}, maxBytes ${sum}`);
          const fitting = entries.slice(first - 1, Math.max(first, last - 1));
          assertSameEntries(less, fitting, `from ${first}, maxBytes ${sum - 1}`);
        }
      }
      assertSameEntries(await logStore.getEntries(4, 6, { maxBytes: 0 }), entries.slice(3, 4), 'maxBytes 0');
      assertSameEntries(await logStore.getEntries(7, 9, { maxBytes: 100 }), [], 'maxBytes of an empty range');
      assertSameEntries(await logStore.getEntries(2, 3, { maxBytes: 1e9 }), entries.slice(1, 3), 'maxBytes 1e9');
      const exact = await logStore.getEntries(1, 6, { maxBytes: 100, exact: true });
      assertSameEntries(exact, entries.slice(0, 2), 'maxBytes with exact');
    });
  }),

  define('C25-term-at', 'termAt answers for entries and the boundary, and for nothing else', async (context) => {
    const entries = [...createTestEntries(1, 4, 2), ...createTestEntries(5, 8, 5), ...createTestEntries(9, 10, 6)];
    const engine = await openWith(context, entries, { batch: 3 });
    const terms = async ({ logStore }: StorageEngine, indexes: readonly number[]) => {
      const found: (number | undefined)[] = [];
      for (const index of indexes) found.push(await logStore.termAt(index));
      return found;
    };
    const indexes = [0, 1, 3, 4, 5, 8, 9, 10, 11, 1000];
    const reopened = await context.andAfterReopen(engine, async (opened) => {
      assert.deepEqual(await terms(opened, indexes), [undefined, 2, 2, 2, 5, 5, 6, 6, undefined, undefined]);
    });
    await reopened.logStore.purge({ index: 4, term: 2 });
    const kept = await context.andAfterReopen(reopened, async (opened) => {
      assert.deepEqual(await terms(opened, indexes), [
        undefined,
        undefined,
        undefined,
        2,
        5,
        5,
        6,
        6,
        undefined,
        undefined,
      ]);
    });
    await kept.logStore.purge({ index: 10, term: 6 });
    await context.andAfterReopen(kept, async (opened) => {
      assert.deepEqual(await terms(opened, [0, 4, 9, 10, 11]), [undefined, undefined, undefined, 6, undefined]);
    });
  }),

  define('C27-one-instant', 'a range read while the log is rewritten is the log of one instant', async (context) => {
    const random = createRandom(context.seed);
    const engine = await openWith(context, createTestEntries(1, 120, 1, { bytes: 60 }), { batch: 10, small: true });
    const model = createModel();
    applyToModel(model, { type: 'append', entries: createTestEntries(1, 120, 1, { bytes: 60 }) });
    const history = [cloneModel(model)];
    const pending: Promise<unknown>[] = [];
    const start = (call: Promise<unknown>) => pending.push(awaitedLater(call));
    for (let term = 2; term <= 120; term++) {
      const end = model.entries.at(-1)?.index ?? model.boundary?.index ?? 0;
      const first = model.entries[0]?.index ?? end + 1;
      start(readOneInstant(engine, history, random.integer(first, end), end + 20));
      // Both ends change in one go: what is put together of two states then is none of them.
      for (const operation of [nextRewrite(random.integer(0, 2), first, end, term), ...purgeOfHead(model)]) {
        assert.deepEqual(applyToModel(model, operation), [], 'the case makes only right calls');
        history.push(cloneModel(model));
        start(applyToEngine(engine, operation).then((code) => assert.equal(code, undefined, operation.type)));
      }
      start(readOneInstant(engine, history, first, random.integer(first, end + 20)));
      if (random.chance(0.2)) await Promise.all(pending.splice(0));
    }
    await Promise.all(pending);
    await expectLog(context, engine, model.entries, model.boundary);
  }),

  define('C28-hot-and-cold', 'cached, reopened and mixed ranges are the same', async (context) => {
    const entries = createTestEntries(1, 500, 1, { bytes: 200 });
    const ranges = [
      [1, 500],
      [1, 1],
      [500, 500],
      [99, 101],
      [250, 499],
      [7, 333],
    ] as const;
    const check = async ({ logStore }: StorageEngine) => {
      for (const [first, last] of [...ranges, ...ranges.toReversed()]) {
        const found = await logStore.getEntries(first, last);
        assertSameEntries(found, entries.slice(first - 1, last), `getEntries(${first}, ${last})`);
      }
    };
    const engine = await openWith(context, entries.slice(0, 450), { batch: 25, small: true });
    const cold = await context.open({ small: true });
    assert.notEqual(cold, engine);
    if (context.capabilities.durability === 'volatile') {
      await cold.logStore.persistEntries(entries.slice(0, 450));
    }
    // The head comes from the store, the tail from what was just written.
    await cold.logStore.persistEntries(entries.slice(450));
    await context.andAfterReopen(cold, check);
  }),
];

async function firstOf<Item>(stream: AsyncIterable<Item>): Promise<Item | undefined> {
  for await (const item of stream) return item;
  return undefined;
}

/** Reads a range, and fails unless the answer was the log of one of the states between call and resolution. */
async function readOneInstant(
  engine: StorageEngine,
  history: readonly ReturnType<typeof createModel>[],
  first: number,
  last: number,
): Promise<void> {
  const from = history.length - 1;
  const read = engine.logStore.getEntries(first, last);
  const found = await read;
  const errors: string[] = [];
  for (const state of history.slice(from)) {
    try {
      assertSameEntries(found, modelRange(state, first, last), `getEntries(${first}, ${last})`);
      return;
    } catch (error) {
      errors.push(String(error));
    }
  }
  const ends = found.length === 0 ? 'nothing' : `${found[0]?.index}..${found.at(-1)?.index}`;
  assert.fail(`the answer (${ends}) is none of the ${errors.length} states of that time: ${errors[0]}`);
}

function nextRewrite(choice: number, first: number, end: number, term: number): LogOperation {
  const fresh = (from: number, count: number) => createTestEntries(from, from + count - 1, term, { bytes: 60 });
  const middle = Math.max(first, end - 30);
  if (choice === 0 && end > first + 60) return { type: 'truncate', fromIndex: middle };
  if (choice === 1) return { type: 'replace', fromIndex: middle, entries: fresh(middle, 40) };
  return { type: 'append', entries: fresh(end + 1, 12) };
}

function purgeOfHead({ entries }: LogModel): LogOperation[] {
  const third = entries[2];
  if (third === undefined || entries.length < 60) return [];
  return [{ type: 'purge', through: { index: third.index, term: third.term } }];
}
