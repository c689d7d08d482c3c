import assert from 'node:assert/strict';
import type { Entry } from '../../entry.ts';
import { assertDurableIndex, assertLog, assertSameEntries } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { awaitedLater, settlesAtOnce } from './awaited-later.ts';
import { defineCases, unlessVolatile } from './define-cases.ts';
import { expectLog, expectRefused, openWith, type RefusedCall } from './open-with.ts';

const define = defineCases('truncate');

/** D 29–36: truncate and replaceRange. What a crash does to them is in the recovery and fault cases. */
export const truncateCases: readonly ConformanceCase[] = [
  define('D29-past-the-end', 'truncate past the end does nothing', async (context) => {
    const entries = createTestEntries(1, 10, 1);
    const engine = await openWith(context, entries);
    for (const index of [11, 12, 1000]) await engine.logStore.truncate(index);
    await expectLog(context, engine, entries);
    const empty = await context.open();
    await empty.logStore.reset();
    await empty.logStore.truncate(1);
    await expectLog(context, empty, []);
  }),

  ...[
    { id: 'D30-in-the-middle', from: 6 },
    { id: 'D30-last', from: 10 },
    { id: 'D30-at-second', from: 2 },
    { id: 'D30-everything', from: 1 },
  ].map(({ id, from }) =>
    define(id, `truncate(${from}) of 10 leaves ${from - 1}, and the log continues there`, async (context) => {
      const entries = createTestEntries(1, 10, 1);
      const engine = await openWith(context, entries);
      await engine.logStore.truncate(from);
      const left = entries.slice(0, from - 1);
      const reopened = await expectLog(context, engine, left);
      const next = createTestEntries(from, from + 3, 2);
      await reopened.logStore.persistEntries(next);
      await expectLog(context, reopened, [...left, ...next]);
    }),
  ),

  define(
    'D30-everything-after-a-purge',
    'truncate at firstIndex leaves an empty log at its boundary',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 10, 1));
      const boundary = { index: 4, term: 1 };
      await engine.logStore.purge(boundary);
      await engine.logStore.truncate(5);
      const reopened = await expectLog(context, engine, [], boundary);
      await reopened.logStore.persistEntries([createTestEntry(5, 2)]);
      await expectLog(context, reopened, [createTestEntry(5, 2)], boundary);
    },
  ),

  define(
    'D31-every-cut',
    'a cut inside a batch, at its edge and across many leaves exactly what is before it',
    async (context) => {
      for (const batch of [1, 8, 64]) {
        const engine = await context.open({ small: true });
        await engine.logStore.reset();
        let expected: Entry[] = [];
        for (const [round, cut] of [64, 63, 60, 57, 56, 49, 33, 32, 31, 17, 16, 9, 8, 2, 1].entries()) {
          const fill = createTestEntries(expected.length + 1, 64, round + 1, { bytes: 90 });
          for (let from = 0; from < fill.length; from += batch) {
            await engine.logStore.persistEntries(fill.slice(from, from + batch));
          }
          expected = [...expected, ...fill].slice(0, cut - 1);
          await engine.logStore.truncate(cut);
          await assertLog(engine, expected);
        }
        await engine.logStore.persistEntries(createTestEntries(1, 64, 99, { bytes: 90 }));
        for (const cut of [61, 50, 33]) await engine.logStore.truncate(cut);
        await expectLog(context, engine, createTestEntries(1, 32, 99, { bytes: 90 }));
      }
    },
  ),

  define(
    'D32-old-values-never-return',
    'what was cut off never returns, after a rewrite, a reopen and a cut below',
    async (context) => {
      const old = createTestEntries(1, 100, 1, { bytes: 80 });
      let engine = await openWith(context, old, { batch: 10, small: true });
      await engine.logStore.truncate(41);
      const second = createTestEntries(41, 70, 2, { bytes: 80 });
      await engine.logStore.persistEntries(second);
      engine = await expectLog(context, engine, [...old.slice(0, 40), ...second]);
      await engine.logStore.truncate(21);
      engine = await expectLog(context, engine, old.slice(0, 20));
      const third = createTestEntries(21, 30, 3, { bytes: 80 });
      await engine.logStore.persistEntries(third);
      engine = await expectLog(context, engine, [...old.slice(0, 20), ...third]);
      const fourth = createTestEntries(31, 110, 4, { bytes: 80 });
      await engine.logStore.persistEntries(fourth);
      await expectLog(context, engine, [...old.slice(0, 20), ...third, ...fourth]);
    },
  ),

  define(
    'D32-cache-is-cut-too',
    'a read after a rewrite never answers with what was read before it',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 40, 1), { batch: 5 });
      const { logStore } = engine;
      for (let term = 2; term <= 8; term++) {
        const from = 40 - 4 * term;
        // Warms every cache there may be with the history that is then cut off.
        await logStore.getEntries(1, 40);
        await logStore.entry(from);
        await logStore.termAt(40);
        const suffix = createTestEntries(from, 40, term);
        if (term % 2 === 0) {
          await logStore.replaceRange(from, suffix);
        } else {
          await logStore.truncate(from);
          await logStore.persistEntries(suffix);
        }
        assertSameEntries(await logStore.getEntries(from, 40), suffix, `the suffix of term ${term}`);
        assert.equal(await logStore.termAt(from), term, `termAt(${from})`);
        assert.equal((await logStore.entry(40))?.term, term, 'the term of entry(40)');
      }
    },
  ),

  define(
    'D33-at-the-boundary',
    'truncate and replaceRange at or below the boundary are PURGED and change nothing',
    async (context) => {
      const entries = createTestEntries(1, 10, 1);
      const engine = await openWith(context, entries);
      const boundary = { index: 5, term: 1 };
      await engine.logStore.purge(boundary);
      const calls = [1, 4, 5].flatMap((index): RefusedCall[] => [
        { what: `truncate(${index})`, code: 'PURGED', call: ({ logStore }) => logStore.truncate(index) },
        {
          what: `replaceRange(${index})`,
          code: 'PURGED',
          call: ({ logStore }) => logStore.replaceRange(index, createTestEntries(index, 12, 1)),
        },
        {
          what: `replaceRange(${index}, [])`,
          code: 'PURGED',
          call: ({ logStore }) => logStore.replaceRange(index, []),
        },
        { what: `write, from ${index}`, code: 'PURGED', call: (opened) => opened.write({ truncateFrom: index }) },
      ]);
      await expectRefused(context, engine, calls, entries.slice(5), boundary);
    },
  ),

  define('D34-replace', 'replaceRange leaves what is before it and exactly the new suffix', async (context) => {
    let engine = await openWith(context, createTestEntries(1, 20, 1), { batch: 6, small: true });
    let expected = createTestEntries(1, 20, 1);
    for (const [from, to, term] of [
      [15, 30, 2],
      [10, 12, 3],
      [13, 20, 3],
      [20, 20, 4],
      [1, 40, 5],
    ] as const) {
      const suffix = createTestEntries(from, to, term);
      await engine.logStore.replaceRange(from, suffix);
      expected = [...expected.slice(0, from - 1), ...suffix];
      engine = await expectLog(context, engine, expected);
    }
    await engine.logStore.replaceRange(30, []);
    await expectLog(context, engine, expected.slice(0, 29));
  }),

  define('D34-replace-refused', 'a replaceRange that does not fit is refused whole', async (context) => {
    const entries = [...createTestEntries(1, 5, 1), ...createTestEntries(6, 10, 3)];
    const engine = await openWith(context, entries);
    const replace = (what: string, code: RefusedCall['code'], from: number, suffix: readonly Entry[]): RefusedCall => ({
      what,
      code,
      call: ({ logStore }) => logStore.replaceRange(from, suffix),
    });
    await expectRefused(
      context,
      engine,
      [
        replace('entries that start after fromIndex', 'NON_CONTIGUOUS', 6, createTestEntries(7, 9, 3)),
        replace('entries that start before fromIndex', 'NON_CONTIGUOUS', 6, createTestEntries(5, 9, 3)),
        replace('fromIndex beyond the next index', 'NON_CONTIGUOUS', 12, createTestEntries(12, 14, 3)),
        replace('entries with a gap', 'NON_CONTIGUOUS', 6, [createTestEntry(6, 3), createTestEntry(8, 3)]),
        replace('a term below the one before', 'TERM_REGRESSION', 7, [createTestEntry(7, 2)]),
        replace('a term that falls inside', 'TERM_REGRESSION', 6, [createTestEntry(6, 4), createTestEntry(7, 3)]),
      ],
      entries,
    );
  }),

  define(
    'D35-durable-index-falls',
    'durableIndex falls at the call of truncate, replaceRange and reset, and what follows is really written',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 20, 1));
      const { logStore } = engine;
      await logStore.flush();
      const steps: [string, number, () => Promise<void>][] = [
        ['truncate(11)', 10, () => logStore.truncate(11)],
        ['replaceRange(6)', 5, () => logStore.replaceRange(6, createTestEntries(6, 20, 2))],
        ['write from 4', 3, () => engine.write({ truncateFrom: 4, entries: createTestEntries(4, 20, 3) })],
        ['purge past the end', 20, () => logStore.purge({ index: 60, term: 3 })],
        ['reset(boundary)', 0, () => logStore.reset({ index: 500, term: 4 })],
        ['reset()', 0, () => logStore.reset()],
      ];
      for (const [what, most, call] of steps) {
        const pending = awaitedLater(call());
        const { durableIndex } = logStore;
        // An engine that commits within the call has raised it again already, and answers without waiting for anything.
        const committed = durableIndex <= most || (await settlesAtOnce(pending));
        assert.ok(committed, `${what}: durableIndex is ${durableIndex} at the call, before it is on the disk`);
        await pending;
        assertDurableIndex(engine);
        await logStore.flush();
        assert.equal(logStore.durableIndex, logStore.lastIndex, `durableIndex after ${what}`);
      }
      const entries = createTestEntries(1, 30, 4);
      await logStore.persistEntries(entries.slice(0, 20));
      const pending = awaitedLater(logStore.truncate(16));
      assert.ok(logStore.durableIndex <= 15, `durableIndex ${logStore.durableIndex} is above what is left`);
      await Promise.all([pending, logStore.persistEntries(entries.slice(15))]);
      await logStore.flush();
      assert.equal(logStore.durableIndex, 30, 'durableIndex at the end');
      await expectLog(context, engine, entries);
    },
    { inapplicable: unlessVolatile },
  ),

  define('D36-stale-bytes', 'what lies behind a cut never replays, however short the new log is', async (context) => {
    for (const [cut, count] of [
      [1, 1],
      [10, 0],
      [10, 1],
      [25, 3],
      [48, 1],
    ] as const) {
      const old = createTestEntries(1, 50, 1, { bytes: 100 });
      let engine = await context.open({ small: true });
      await engine.logStore.reset();
      for (const entry of old) await engine.logStore.persistEntries([entry]);
      await engine.logStore.truncate(cut);
      const next = createTestEntries(cut, cut + count - 1, 1, { bytes: 100 });
      if (next.length > 0) await engine.logStore.persistEntries(next);
      const expected = [...old.slice(0, cut - 1), ...next];
      engine = await expectLog(context, engine, expected);
      // The next index is one that the old history had, with the same term: only the cut tells them apart.
      const more = [createTestEntry(cut + count, 1, { bytes: 77 })];
      await engine.logStore.persistEntries(more);
      await expectLog(context, engine, [...expected, ...more]);
    }
  }),
];
