import assert from 'node:assert/strict';
import type { Entry } from '../../entry.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertLog, assertSameEntries, collect, rejectsWith } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { awaitedLater } from './awaited-later.ts';
import { defineCases } from './define-cases.ts';
import { openWith } from './open-with.ts';

const define = defineCases('read');

// One entry at a time: the stream can't have read ahead what the case is about to take away.
const oneByOne = { chunkBytes: 1 };

/** C 26 and E 45: streams. */
export const streamCases: readonly ConformanceCase[] = [
  define('C26-stream-equals-range', 'a stream gives what the range gives, at every chunk size', async (context) => {
    const entries = createTestEntries(1, 150, 1).map((entry, at) =>
      at % 40 === 7 ? createTestEntry(entry.index, 1, { bytes: 9000 }) : entry,
    );
    const engine = await openWith(context, entries, { batch: 20, small: true });
    await engine.logStore.purge({ index: 5, term: 1 });
    const kept = entries.slice(5);
    await context.andAfterReopen(engine, async ({ logStore }) => {
      for (const chunkBytes of [1, 40, 41, 1000, 4096, 100_000, undefined]) {
        const options = chunkBytes === undefined ? {} : { chunkBytes };
        const whole = await collect(logStore.entries(undefined, options));
        assertSameEntries(whole, kept, `the whole log in chunks of ${chunkBytes}`);
        const ranges: [number, number, number, number][] = [
          [6, 6, 0, 1],
          [20, 90, 14, 85],
          [0, 10, 0, 5],
          [140, 1000, 134, 145],
          [151, 200, 0, 0],
          [9, 8, 0, 0],
          [1, 5, 0, 0],
        ];
        for (const [first, last, from, to] of ranges) {
          const found = await collect(logStore.entries({ first, last }, options));
          assertSameEntries(found, kept.slice(from, to), `${first}..${last} in chunks of ${chunkBytes}`);
        }
      }
      assertSameEntries(await collect(logStore.entries({ first: 100 })), kept.slice(94), 'from 100 on');
      assertSameEntries(await collect(logStore.entries({ last: 30 })), kept.slice(0, 25), 'up to 30');
    });
  }),

  define(
    'C26-stream-end-is-fixed',
    'a stream ends where the log ended when it was made, while appends go on',
    async (context) => {
      const entries = createTestEntries(1, 50, 1);
      const { logStore } = await openWith(context, entries, { batch: 7 });
      for (const options of [oneByOne, {}]) {
        const end = logStore.lastIndex;
        const stream = logStore.entries({}, options);
        const pending: Promise<void>[] = [];
        const append = () =>
          pending.push(awaitedLater(logStore.persistEntries([createTestEntry(logStore.lastIndex + 1, 1)])));
        append();
        const found: Entry[] = [];
        for await (const entry of stream) {
          found.push(entry);
          // Or a stream that follows the log would never end.
          assert.ok(entry.index <= end, `a stream made when lastIndex was ${end} delivered entry ${entry.index}`);
          append();
        }
        await Promise.all(pending);
        assertSameEntries(found, createTestEntries(1, end, 1), `a stream made when lastIndex was ${end}`);
      }
    },
  ),

  ...overtaken('C26-truncated', 'a stream that a truncation overtakes throws TRUNCATED', ['TRUNCATED'], (engine) =>
    engine.logStore.truncate(30),
  ),
  ...overtaken(
    'C26-truncated-and-rewritten',
    'a stream whose rest was rewritten throws TRUNCATED, and never mixes two histories',
    ['TRUNCATED'],
    (engine) => engine.logStore.replaceRange(30, createTestEntries(30, 80, 2)),
  ),
  ...overtaken('C26-purged', 'a stream that a purge overtakes throws PURGED', ['PURGED'], (engine) =>
    engine.logStore.purge({ index: 35, term: 1 }),
  ),
  ...overtaken('C26-reset', 'a stream that a reset overtakes throws', ['PURGED', 'TRUNCATED'], (engine) =>
    engine.logStore.reset({ index: 500, term: 9 }),
  ),

  define(
    'C26-overtaken-before-the-first',
    'a stream is overtaken even if nothing was read from it yet',
    async (context) => {
      const { logStore } = await openWith(context, createTestEntries(1, 20, 1));
      const purged = logStore.entries();
      const truncated = logStore.entries({ first: 10 });
      await Promise.all([logStore.purge({ index: 5, term: 1 }), logStore.truncate(15)]);
      await rejectsWith(['PURGED', 'TRUNCATED'], collect(purged), 'the stream from 1, purged to 5 and cut at 15');
      await rejectsWith('TRUNCATED', collect(truncated), 'the stream from 10, cut at 15');
    },
  ),

  define('C26-not-overtaken', 'a stream goes on when only what it does not deliver is removed', async (context) => {
    const entries = createTestEntries(1, 60, 1);
    const { logStore } = await openWith(context, entries, { batch: 10 });
    const found: Entry[] = [];
    for await (const entry of logStore.entries({ first: 10, last: 40 }, oneByOne)) {
      found.push(entry);
      if (entry.index === 20) {
        await logStore.truncate(41);
        await logStore.purge({ index: 15, term: 1 });
        await logStore.persistEntries(createTestEntries(41, 50, 2));
      }
    }
    assertSameEntries(found, entries.slice(9, 40), 'the stream of 10..40');
  }),

  define('C26-break', 'a stream that is left early leaves nothing behind', async (context) => {
    const entries = createTestEntries(1, 80, 1);
    const engine = await openWith(context, entries, { batch: 10, small: true });
    for (let round = 0; round < 20; round++) {
      for await (const entry of engine.logStore.entries({}, oneByOne)) if (entry.index === 3 + round) break;
    }
    const unread = engine.logStore.entries();
    await assertLog(engine, entries);
    await engine.close();
    await rejectsWith('CLOSED', collect(unread), 'a stream of an engine that was closed');
  }),

  define('C26-abort', 'a stream whose signal fires ends with ABORTED', async (context) => {
    const engine = await openWith(context, createTestEntries(1, 80, 1), { batch: 10 });
    const aborted = engine.logStore.entries({}, { signal: AbortSignal.abort() });
    await rejectsWith('ABORTED', collect(aborted), 'a stream with a signal that has fired');
    const controller = new AbortController();
    const found: Entry[] = [];
    const reading = (async () => {
      for await (const entry of engine.logStore.entries({}, { ...oneByOne, signal: controller.signal })) {
        found.push(entry);
        if (entry.index === 10) controller.abort();
      }
    })();
    await rejectsWith('ABORTED', reading, 'a stream whose signal fires at entry 10');
    assert.ok(found.length >= 10 && found.length < 80, `${found.length} entries were delivered`);
    await assertLog(engine, createTestEntries(1, 80, 1));
  }),

  define('C26-closed', 'a stream whose engine is closed midway ends with CLOSED', async (context) => {
    const engine = await openWith(context, createTestEntries(1, 80, 1), { batch: 10 });
    const reading = (async () => {
      for await (const entry of engine.logStore.entries({}, oneByOne)) if (entry.index === 10) await engine.close();
    })();
    await rejectsWith('CLOSED', reading, 'a stream whose engine is closed at entry 10');
  }),

  define('E45-purge-during-a-read', 'a reader that a purge does not overtake finishes', async (context) => {
    const entries = createTestEntries(1, 300, 1, { bytes: 150 });
    const { logStore } = await openWith(context, entries, { batch: 20, small: true });
    const found: Entry[] = [];
    for await (const entry of logStore.entries({}, oneByOne)) {
      found.push(entry);
      if (entry.index % 25 === 0 && entry.index > 25) await logStore.purge({ index: entry.index - 25, term: 1 });
    }
    assertSameEntries(found, entries, 'a stream with the purge behind it');
    const range = logStore.getEntries(logStore.firstIndex, 300);
    const purge = logStore.purge({ index: 299, term: 1 });
    const read = await range;
    await purge;
    assertSameEntries(read, entries.slice(300 - read.length), 'a range that was asked for before the purge');
    assert.ok(read.length === 1 || read.length === 25, `${read.length} entries, not those before or after the purge`);
  }),
];

/** A stream of 1..60 is read to entry 12 when `remove` takes away a part of the rest. */
function overtaken(
  id: string,
  title: string,
  codes: readonly ('TRUNCATED' | 'PURGED')[],
  remove: (engine: StorageEngine) => Promise<void>,
): ConformanceCase[] {
  return [
    define(id, title, async (context) => {
      const entries = createTestEntries(1, 60, 1);
      for (const [name, options] of [
        ['one by one', oneByOne],
        ['in the default chunks', {}],
      ] as const) {
        const engine = await openWith(context, [], { small: true });
        await engine.logStore.reset();
        await engine.logStore.persistEntries(entries);
        const found: Entry[] = [];
        const reading = (async () => {
          for await (const entry of engine.logStore.entries({}, options)) {
            found.push(entry);
            if (entry.index === 12) await remove(engine);
          }
        })();
        await rejectsWith(codes, reading, `the stream, ${name}`);
        assertSameEntries(found, entries.slice(0, found.length), `what the stream delivered ${name}`);
      }
    }),
  ];
}
