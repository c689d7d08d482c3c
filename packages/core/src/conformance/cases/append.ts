import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '../../entry.ts';
import { assertDurableIndex, assertLog, assertSameEntries, assertSameEntry, rejectsWith } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { awaitedLater, soon } from './awaited-later.ts';
import { defineCases, unlessVolatile } from './define-cases.ts';
import { HeldDisk } from './held-disk.ts';
import { expectLog, expectRefused, openWith, type RefusedCall } from './open-with.ts';
import { simulatedDisk, withoutFileIo } from './power-cut-explorer.ts';

const define = defineCases('append');

/** B 7–15, 18–20, 22: what an append does, and what it refuses. */
export const appendCases: readonly ConformanceCase[] = [
  define(
    'B7-empty-append',
    'persistEntries([]) changes nothing, also behind an append that is under way',
    async (context) => {
      const engine = await context.open();
      const log = engine.logStore;
      await log.persistEntries([]);
      await assertLog(engine, []);
      const entries = createTestEntries(1, 3, 1);
      const pending = awaitedLater(log.persistEntries(entries));
      await log.persistEntries([]);
      await pending;
      await log.persistEntries([]);
      await expectLog(context, engine, entries);
    },
  ),

  define(
    'B7-empty-append-writes-nothing',
    'persistEntries([]) makes no call to the disk, and waits for none that an earlier append makes',
    async (context) => {
      const disk = simulatedDisk(context);
      const held = new HeldDisk(disk);
      const engine = await context.open({ fileIo: held.fileIo });
      context.onEnd(() => held.release());
      const log = engine.logStore;
      const entries = createTestEntries(1, 3, 1);
      await log.persistEntries(entries.slice(0, 2));
      await log.flush();
      // What goes on in the background comes to its end first.
      for (let seen = -1; seen !== disk.calls; await sleep(20)) seen = disk.calls;
      const before = disk.calls;
      await log.persistEntries([]);
      assert.deepEqual(disk.trace.slice(before), [], 'calls to the disk for persistEntries([])');
      held.hold();
      const pending = awaitedLater(log.persistEntries(entries.slice(2)));
      await soon(log.persistEntries([]), 'persistEntries([]) resolves while an append waits for the disk');
      held.release();
      await pending;
      await assertLog(engine, entries);
    },
    { inapplicable: withoutFileIo },
  ),

  define('B8-one-entry', 'one entry comes back with its term, its kind and its bytes', async (context) => {
    const entries = [createTestEntry(1, 7, { kind: 'config', bytes: 300 })];
    await expectLog(context, await openWith(context, entries), entries);
  }),

  define('B9-hundred-entries', '1 to 100 are all there, and 25 to 75 are 51 in order', async (context) => {
    const entries = createTestEntries(1, 100, 1);
    await context.andAfterReopen(await openWith(context, entries), async (engine) => {
      await assertLog(engine, entries);
      const middle = await engine.logStore.getEntries(25, 75);
      assert.equal(middle.length, 51);
      assertSameEntries(middle, entries.slice(24, 75), 'getEntries(25, 75)');
      for (const index of [1, 42, 50, 99, 100]) {
        assertSameEntry(await engine.logStore.entry(index), entries[index - 1], `entry(${index})`);
      }
    });
  }),

  define('B9-one-by-one', 'entries that were appended one by one are one log', async (context) => {
    const entries = createTestEntries(1, 60, 2);
    await expectLog(context, await openWith(context, entries, { batch: 1, small: true }), entries);
  }),

  define('B10-readable-at-once', 'an accepted entry can be read before its append has resolved', async (context) => {
    const engine = await context.open();
    const log = engine.logStore;
    const first = createTestEntries(1, 20, 1);
    const second = createTestEntries(21, 30, 2);
    const pending = awaitedLater(Promise.all([log.persistEntries(first), log.persistEntries(second)]));
    assert.equal(log.lastIndex, 30, 'lastIndex right after the call');
    assert.deepEqual({ ...log.lastLogId }, { index: 30, term: 2 }, 'lastLogId right after the call');
    assertDurableIndex(engine);
    const reads = Promise.all([log.getEntries(15, 25), log.entry(30), log.termAt(21)]);
    const [range, entry, term] = await reads;
    assertSameEntries(range, [...first, ...second].slice(14, 25), 'getEntries(15, 25) before the append resolved');
    assertSameEntry(entry, second[9], 'entry(30) before the append resolved');
    assert.equal(term, 2, 'termAt(21) before the append resolved');
    await pending;
    await expectLog(context, engine, [...first, ...second]);
  }),

  define(
    'B10-durable-index-rises',
    'durableIndex never falls while entries are only appended, and covers what has resolved',
    async (context) => {
      const engine = await context.open();
      const log = engine.logStore;
      const pending: Promise<void>[] = [];
      let highest = 0;
      const look = () => {
        assertDurableIndex(engine);
        assert.ok(log.durableIndex >= highest, `durableIndex fell from ${highest} to ${log.durableIndex}`);
        highest = log.durableIndex;
      };
      for (let index = 1; index <= 100; index++) {
        const append = log.persistEntries([createTestEntry(index, 1)]).then(() => {
          look();
          if (log.isWriteDurable) {
            assert.ok(
              log.durableIndex >= index,
              `append of ${index} has resolved, durableIndex is ${log.durableIndex}`,
            );
          }
        });
        pending.push(awaitedLater(append));
        look();
        if (index % 10 === 0) await append;
      }
      await Promise.all(pending);
      await log.flush();
      look();
      assert.equal(log.durableIndex, 100, 'durableIndex after flush()');
    },
    { inapplicable: unlessVolatile },
  ),

  define(
    'B10-buffered-flush',
    'in buffered mode flush() makes durable what was accepted before it',
    async (context) => {
      const engine = await context.open({ durability: 'buffered' });
      const log = engine.logStore;
      assert.equal(log.isWriteDurable, false, 'isWriteDurable of a buffered engine');
      const entries = createTestEntries(1, 50, 1);
      await log.persistEntries(entries.slice(0, 30));
      await log.flush();
      assert.equal(log.durableIndex, 30, 'durableIndex after flush()');
      const pending = awaitedLater(log.persistEntries(entries.slice(30)));
      await log.flush();
      assert.equal(log.durableIndex, 50, 'durableIndex after a flush() behind an append that was not awaited');
      await pending;
      await expectLog(context, engine, entries);
    },
    {
      inapplicable: ({ builder }) => (builder.offersBuffered === true ? undefined : 'buffered is not offered'),
    },
  ),

  define(
    'B11-append-after-purge-past-the-end',
    'an empty log that was purged to 100 continues at 101',
    async (context) => {
      const boundary = { index: 100, term: 3 };
      const engine = await context.open();
      await engine.logStore.purge(boundary);
      const entries = createTestEntries(101, 105, 3);
      const calls = [1, 100, 102].map((index) => ({
        what: `append of ${index}`,
        code: 'NON_CONTIGUOUS' as const,
        call: (opened: typeof engine) => opened.logStore.persistEntries([createTestEntry(index, 3)]),
      }));
      const reopened = await expectRefused(context, engine, calls, [], boundary);
      await reopened.logStore.persistEntries(entries);
      await expectLog(context, reopened, entries, boundary);
    },
  ),

  define('B12-gap-refused', 'an append that leaves a gap is NON_CONTIGUOUS and changes nothing', async (context) => {
    const entries = createTestEntries(1, 10, 1);
    const engine = await openWith(context, entries);
    const error = await rejectsWith('NON_CONTIGUOUS', engine.logStore.persistEntries(createTestEntries(100, 101, 1)));
    assert.equal(error.details.expectedIndex, 11, 'details.expectedIndex of the error');
    assert.equal(error.details.actualIndex, 100, 'details.actualIndex of the error');
    const call: RefusedCall = {
      what: 'append of 12 after 10',
      code: 'NON_CONTIGUOUS',
      call: ({ logStore }) => logStore.persistEntries([createTestEntry(12, 1)]),
    };
    const reopened = await expectRefused(context, engine, [call], entries);
    await reopened.logStore.persistEntries([createTestEntry(11, 1)]);
    await assertLog(reopened, [...entries, createTestEntry(11, 1)]);
  }),

  define(
    'B13-gap-inside-refused',
    'a batch with a gap, a repeat or a step back inside is refused whole',
    async (context) => {
      const entries = createTestEntries(1, 10, 1);
      const engine = await openWith(context, entries);
      const calls = [
        [11, 12, 14],
        [11, 11],
        [11, 13, 12],
        [11, 12, 11],
      ].map((indexes) => ({
        what: `append of ${indexes.join(', ')}`,
        code: 'NON_CONTIGUOUS' as const,
        call: (opened: typeof engine) =>
          opened.logStore.persistEntries(indexes.map((index) => createTestEntry(index, 1))),
      }));
      await expectRefused(context, engine, calls, entries);
    },
  ),

  define('B14-overlap-refused', 'an append that overlaps is refused; replaceRange takes it', async (context) => {
    const entries = createTestEntries(1, 10, 1);
    const engine = await openWith(context, entries);
    const calls = [1, 8, 10].map((first) => ({
      what: `append of ${first} to 12 after 10`,
      code: 'NON_CONTIGUOUS' as const,
      call: (opened: typeof engine) => opened.logStore.persistEntries(createTestEntries(first, 12, 2)),
    }));
    const reopened = await expectRefused(context, engine, calls, entries);
    const suffix = createTestEntries(8, 12, 2);
    await reopened.logStore.replaceRange(8, suffix);
    await expectLog(context, reopened, [...entries.slice(0, 7), ...suffix]);
  }),

  define('B15-falling-term-refused', 'a falling term is refused, between batches and inside one', async (context) => {
    const entries = createTestEntries(1, 5, 4);
    const engine = await openWith(context, entries);
    const calls = [
      { what: 'an append of a lower term', entries: createTestEntries(6, 7, 3) },
      { what: 'a batch whose term falls inside', entries: [createTestEntry(6, 9), createTestEntry(7, 8)] },
    ].map((call) => ({
      what: call.what,
      code: 'TERM_REGRESSION' as const,
      call: (opened: typeof engine) => opened.logStore.persistEntries(call.entries),
    }));
    const reopened = await expectRefused(context, engine, calls, entries);
    const rising = [createTestEntry(6, 4), createTestEntry(7, 9), createTestEntry(8, 9)];
    await reopened.logStore.persistEntries(rising);
    await expectLog(context, reopened, [...entries, ...rising]);
  }),

  define('B15-falling-term-after-boundary', 'a term below that of the purge boundary is refused', async (context) => {
    const engine = await openWith(context, createTestEntries(1, 5, 4));
    const boundary = { index: 5, term: 4 };
    await engine.logStore.purge(boundary);
    const calls = [
      {
        what: 'an append below the term of the boundary',
        code: 'TERM_REGRESSION' as const,
        call: (opened: typeof engine) => opened.logStore.persistEntries([createTestEntry(6, 3)]),
      },
      {
        what: 'a replaceRange below the term of the boundary',
        code: 'TERM_REGRESSION' as const,
        call: (opened: typeof engine) => opened.logStore.replaceRange(6, [createTestEntry(6, 3)]),
      },
    ];
    const reopened = await expectRefused(context, engine, calls, [], boundary);
    await reopened.logStore.persistEntries([createTestEntry(6, 4)]);
    await expectLog(context, reopened, [createTestEntry(6, 4)], boundary);
  }),

  define(
    'B18-input-is-copied',
    'a caller may overwrite its buffers and its array right after the call',
    async (context) => {
      const expected = [...createTestEntries(1, 6, 1), ...createTestEntries(7, 9, 2, { bytes: 70_000 })];
      const engine = await context.open();
      const log = engine.logStore;
      const mine = expected.map((entry) => ({ ...entry, data: entry.data.slice() }));
      const appended = mine.slice(0, 4);
      const replaced = mine.slice(4, 7);
      const written = mine.slice(7);
      const pending = awaitedLater(
        Promise.all([log.persistEntries(appended), log.replaceRange(5, replaced), engine.write({ entries: written })]),
      );
      for (const entry of mine) {
        entry.data.fill(0xee);
        Object.assign(entry, { index: 99, term: 99, kind: 'noop', data: new Uint8Array(1) });
      }
      for (const array of [appended, replaced, written]) array.length = 0;
      assertSameEntries(await log.getEntries(1, 9), expected, 'read before the write resolved');
      await pending;
      await expectLog(context, engine, expected);
    },
  ),

  define(
    'B18-view-of-a-larger-buffer',
    'data that is a view, or a Buffer, is stored as the view shows it',
    async (context) => {
      const pool = new Uint8Array(1024).map((_, offset) => offset % 251);
      const entries: Entry[] = [
        { index: 1, term: 1, kind: 'command', data: pool.subarray(100, 200) },
        { index: 2, term: 1, kind: 'command', data: Buffer.from('a small pooled buffer') },
        { index: 3, term: 1, kind: 'command', data: pool.subarray(1024) },
      ];
      await expectLog(context, await openWith(context, entries), entries);
    },
  ),

  define('B19-what-was-read-stays', 'what was read does not change, whatever is written later', async (context) => {
    const old = createTestEntries(1, 200, 1, { bytes: 120 });
    const engine = await openWith(context, old, { batch: 20, small: true });
    const log = engine.logStore;
    const read = await log.getEntries(1, 200);
    const single = await log.entry(150);
    const array = await log.getEntries(1, 10);
    array.length = 0;
    assert.equal((await log.getEntries(1, 10)).length, 10, 'a range after the caller emptied an earlier answer');
    await log.replaceRange(101, createTestEntries(101, 260, 2, { bytes: 120 }));
    await log.truncate(51);
    await log.persistEntries(createTestEntries(51, 300, 3, { bytes: 120 }));
    await log.purge({ index: 250, term: 3 });
    await log.reset();
    await log.persistEntries(createTestEntries(1, 200, 4, { bytes: 120 }));
    await log.getEntries(1, 200);
    assertSameEntries(read, old, 'entries that were read before the log was rewritten');
    assertSameEntry(single, old[149], 'an entry that was read before the log was rewritten');
  }),

  define(
    'B20-issue-order',
    '1,000 appends that are not awaited take effect in the order of the calls',
    async (context) => {
      const engine = await context.open();
      const log = engine.logStore;
      const entries = createTestEntries(1, 1000, 1);
      const resolved: number[] = [];
      const pending = entries.map((entry) =>
        log.persistEntries([entry]).then(() => {
          resolved.push(entry.index);
          if (log.isWriteDurable) assert.ok(log.durableIndex >= entry.index, `${entry.index} resolved, not durable`);
        }),
      );
      assert.equal(log.lastIndex, 1000, 'lastIndex after 1,000 calls');
      await Promise.all(pending);
      assert.deepEqual(
        resolved,
        entries.map(({ index }) => index),
        'the order in which the appends resolved',
      );
      await expectLog(context, engine, entries);
    },
  ),

  define(
    'B20-refused-between-accepted',
    'a refused call between accepted ones that are pending changes nothing',
    async (context) => {
      const engine = await context.open();
      const log = engine.logStore;
      const outcomes = await Promise.allSettled([
        log.persistEntries(createTestEntries(1, 5, 1)),
        log.persistEntries(createTestEntries(7, 9, 1)),
        log.persistEntries(createTestEntries(6, 8, 2)),
        log.persistEntries([createTestEntry(9, 1)]),
        log.truncate(8),
        log.persistEntries([createTestEntry(8, 3)]),
      ]);
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : outcome.reason.code)),
        ['ok', 'NON_CONTIGUOUS', 'ok', 'TERM_REGRESSION', 'ok', 'ok'],
      );
      const expected = [...createTestEntries(1, 5, 1), ...createTestEntries(6, 7, 2), createTestEntry(8, 3)];
      await expectLog(context, engine, expected);
    },
  ),

  define('B22-all-kinds', 'noop, command and config come back as what they are, empty or not', async (context) => {
    const kinds = ['noop', 'command', 'config'] as const;
    const entries = kinds.flatMap((kind, position) => [
      createTestEntry(position * 2 + 1, 1, { kind, bytes: 0 }),
      createTestEntry(position * 2 + 2, 1, { kind }),
    ]);
    await expectLog(context, await openWith(context, entries), entries);
  }),
];
