import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogId } from '../../entry.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertHardState, assertLog, collect } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { awaitedLater, settlesAtOnce } from './awaited-later.ts';
import { defineCases, ifDirectory } from './define-cases.ts';
import { expectLog, expectRefused, openWith, type RefusedCall } from './open-with.ts';

const define = defineCases('purge');

/** E 37–44 and 46: purge and reset. E 45 is in stream.ts; what a crash does is in the recovery and fault cases. */
export const purgeCases: readonly ConformanceCase[] = [
  define('E37-below-the-boundary', 'a purge to 0 or below the boundary does nothing', async (context) => {
    const entries = createTestEntries(1, 10, 2);
    const engine = await openWith(context, entries);
    await engine.logStore.purge({ index: 0, term: 0 });
    await engine.logStore.purge({ index: 0, term: 1 });
    const reopened = await expectLog(context, engine, entries);
    const boundary = { index: 6, term: 2 };
    await reopened.logStore.purge(boundary);
    for (const through of [{ index: 0, term: 0 }, { index: 3, term: 2 }, { index: 5, term: 1 }, boundary]) {
      await reopened.logStore.purge(through);
      await assertLog(reopened, entries.slice(6), boundary);
    }
    await expectLog(context, reopened, entries.slice(6), boundary);
  }),

  define('E38-half', 'a purge to 5 of 10 leaves 5, and firstIndex is 6', async (context) => {
    const entries = createTestEntries(1, 10, 1);
    const engine = await openWith(context, entries);
    await engine.logStore.purge({ index: 5, term: 1 });
    assert.equal(engine.logStore.firstIndex, 6);
    const reopened = await expectLog(context, engine, entries.slice(5), { index: 5, term: 1 });
    await reopened.logStore.persistEntries([createTestEntry(11, 1)]);
    await expectLog(context, reopened, [...entries.slice(5), createTestEntry(11, 1)], { index: 5, term: 1 });
  }),

  define('E38-first-only', 'a purge to 1 removes one entry', async (context) => {
    const entries = createTestEntries(1, 10, 1);
    const engine = await openWith(context, entries);
    await engine.logStore.purge({ index: 1, term: 1 });
    await expectLog(context, engine, entries.slice(1), { index: 1, term: 1 });
  }),

  define(
    'E39-to-the-last',
    'a purge to the last index leaves an empty log that continues after it',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 10, 3));
      const boundary = { index: 10, term: 3 };
      await engine.logStore.purge(boundary);
      const reopened = await expectLog(context, engine, [], boundary);
      await reopened.logStore.persistEntries(createTestEntries(11, 12, 3));
      await expectLog(context, reopened, createTestEntries(11, 12, 3), boundary);
    },
  ),

  define('E40-past-the-end', 'a purge past the end empties the log and moves the boundary there', async (context) => {
    const engine = await openWith(context, createTestEntries(1, 10, 1));
    const boundary = { index: 20, term: 1 };
    const purged = awaitedLater(engine.logStore.purge(boundary));
    const { durableIndex } = engine.logStore;
    assert.ok(
      durableIndex <= 10 || (await settlesAtOnce(purged)),
      `durableIndex is ${durableIndex} at the call, before the boundary is on the disk`,
    );
    await purged;
    const reopened = await expectLog(context, engine, [], boundary);
    await reopened.logStore.persistEntries(createTestEntries(21, 25, 2));
    await expectLog(context, reopened, createTestEntries(21, 25, 2), boundary);
  }),

  define('E40-of-an-empty-log', 'a purge of an empty log moves the boundary, again and again', async (context) => {
    let engine = await context.open();
    for (const boundary of [
      { index: 5, term: 2 },
      { index: 6, term: 2 },
      { index: 1_000_000, term: 4 },
    ]) {
      await engine.logStore.purge(boundary);
      engine = await expectLog(context, engine, [], boundary);
    }
    await engine.logStore.persistEntries([createTestEntry(1_000_001, 4)]);
    await expectLog(context, engine, [createTestEntry(1_000_001, 4)], { index: 1_000_000, term: 4 });
  }),

  define(
    'E41-every-boundary',
    'a purge inside a batch, at its edge and across many keeps exactly what is after it',
    async (context) => {
      for (const batch of [1, 8, 64]) {
        const engine = await openWith(context, [], { small: true });
        await engine.logStore.reset();
        const entries = createTestEntries(1, 64, 1, { bytes: 90 });
        for (let from = 0; from < entries.length; from += batch) {
          await engine.logStore.persistEntries(entries.slice(from, from + batch));
        }
        for (const index of [1, 2, 7, 8, 9, 31, 32, 33, 50, 63]) {
          await engine.logStore.purge({ index, term: 1 });
          await assertLog(engine, entries.slice(index), { index, term: 1 });
        }
        await expectLog(context, engine, entries.slice(63), { index: 63, term: 1 });
      }
    },
  ),

  define(
    'E41-purge-then-truncate',
    'the ends of a log can move towards each other until it is empty',
    async (context) => {
      const entries = createTestEntries(1, 40, 1, { bytes: 90 });
      let engine = await openWith(context, entries, { batch: 20, small: true });
      for (let step = 1; step <= 4; step++) {
        await Promise.all([
          engine.logStore.purge({ index: step * 5, term: 1 }),
          engine.logStore.truncate(41 - step * 5),
        ]);
        const left = entries.slice(step * 5, 40 - step * 5);
        engine = await expectLog(context, engine, left, { index: step * 5, term: 1 });
      }
      await engine.logStore.persistEntries(createTestEntries(21, 30, 2));
      await expectLog(context, engine, createTestEntries(21, 30, 2), { index: 20, term: 1 });
    },
  ),

  define('E42-boundary-survives', "the boundary's index and term survive any number of reopens", async (context) => {
    const entries = [...createTestEntries(1, 6, 3), ...createTestEntries(7, 12, 8)];
    const boundary = { index: 6, term: 3 };
    let engine = await openWith(context, entries);
    await engine.logStore.purge(boundary);
    for (let round = 0; round < 3; round++) engine = await expectLog(context, engine, entries.slice(6), boundary);
    await engine.logStore.truncate(7);
    for (let round = 0; round < 3; round++) engine = await expectLog(context, engine, [], boundary);
  }),

  define('E43-wrong-term', 'a purge that names another term than the log has is LOG_ID_MISMATCH', async (context) => {
    const entries = [...createTestEntries(1, 5, 2), ...createTestEntries(6, 10, 4)];
    const engine = await openWith(context, entries);
    const purge = (code: RefusedCall['code'], through: LogId): RefusedCall => ({
      what: `purge to ${JSON.stringify(through)}`,
      code,
      call: ({ logStore }) => logStore.purge(through),
    });
    const reopened = await expectRefused(
      context,
      engine,
      [
        purge('LOG_ID_MISMATCH', { index: 5, term: 3 }),
        purge('LOG_ID_MISMATCH', { index: 7, term: 3 }),
        purge('LOG_ID_MISMATCH', { index: 10, term: 5 }),
        purge('TERM_REGRESSION', { index: 20, term: 3 }),
      ],
      entries,
    );
    const boundary = { index: 5, term: 2 };
    await reopened.logStore.purge(boundary);
    await expectRefused(
      context,
      reopened,
      [purge('LOG_ID_MISMATCH', { index: 5, term: 4 })],
      entries.slice(5),
      boundary,
    );
  }),

  define(
    'E44-space-comes-back',
    'what is written and purged again and again takes a bounded space, however much it is',
    async (context) => {
      const engine = await context.open({ small: true });
      const size = (): number => sizeOf(context.builder.directory ?? '');
      // The most that was taken before the stage that is judged.
      let plateau = size();
      let growth = 0;
      for (const [stage, rounds] of [50, 50, 100, 200, 400, 800].entries()) {
        const written = rounds * 16 * 16_384;
        let highest = plateau;
        for (let round = 0; round < rounds; round++) {
          await writeAndPurge(engine);
          if (round % 10 === 9) highest = Math.max(highest, size());
        }
        // The space comes back in the background.
        const deadline = Date.now() + (stage === 5 ? 10_000 : 500);
        while (size() > plateau + written / 4 && Date.now() < deadline) await sleep(50);
        growth = size() - plateau;
        // A stage tells something once it has written more than there was room for: to take up the room isn't to grow. An engine
        // that gives it back in large pieces, or late, gets a longer stage.
        if (stage > 0 && written >= plateau && growth <= written / 4) {
          const { index } = engine.logStore.purgeBoundary ?? { index: 0 };
          await expectLog(context, engine, [], { index, term: 1 });
          return;
        }
        plateau = Math.max(highest, size());
      }
      assert.fail(`the directory grew by ${growth} bytes while ${800 * 16 * 16_384} were written and purged`);
    },
    { inapplicable: ifDirectory, timeoutMs: 180_000 },
  ),

  define(
    'E46-reset',
    'reset() drops log and boundary, keeps hard state and snapshots, and starts at 1',
    async (context) => {
      const hardState = { currentTerm: 7, votedFor: 'node-2' };
      const engine = await openWith(context, createTestEntries(1, 30, 5), { batch: 4, small: true });
      await engine.metaStore.saveHardState(hardState);
      await engine.logStore.purge({ index: 10, term: 5 });
      const source = (async function* () {
        yield new Uint8Array(5000).fill(7);
      })();
      const snapshot = await engine.snapshotStore.save({ lastIncluded: { index: 10, term: 5 } }, source);
      await engine.logStore.reset();
      const reopened = await context.andAfterReopen(engine, async (opened) => {
        await assertLog(opened, []);
        await assertHardState(opened, hardState);
        const snapshots = await opened.snapshotStore.list();
        assert.deepEqual(
          snapshots.map(({ id, size }) => ({ id, size })),
          [{ id: snapshot.id, size: 5000 }],
          'the snapshots after reset()',
        );
        assert.equal(Buffer.concat(await collect(opened.snapshotStore.open(snapshot.id))).byteLength, 5000);
      });
      // A new history may start with any term.
      await reopened.logStore.persistEntries(createTestEntries(1, 3, 1));
      await context.andAfterReopen(reopened, async (opened) => {
        await assertLog(opened, createTestEntries(1, 3, 1));
        await assertHardState(opened, hardState);
      });
    },
  ),

  ...[
    { id: 'E46-reset-beyond', title: 'beyond a shorter log', boundary: { index: 50, term: 6 } },
    { id: 'E46-reset-diverged', title: 'inside a log of another history', boundary: { index: 20, term: 9 } },
    { id: 'E46-reset-below-boundary', title: 'below the old boundary', boundary: { index: 3, term: 2 } },
    { id: 'E46-reset-lower-term', title: 'with a lower term than the log had', boundary: { index: 25, term: 1 } },
  ].map(({ id, title, boundary }) =>
    define(
      id,
      `reset(boundary) ${title}: an empty log that continues after it, and nothing old returns`,
      async (context) => {
        const engine = await openWith(context, createTestEntries(1, 30, 5, { bytes: 90 }), { batch: 4, small: true });
        await engine.logStore.purge({ index: 5, term: 5 });
        await engine.logStore.reset(boundary);
        let reopened = await expectLog(context, engine, [], boundary);
        // Grows across all indexes that the old log had.
        const next = createTestEntries(boundary.index + 1, boundary.index + 33, boundary.term, { bytes: 70 });
        for (const part of [next.slice(0, 1), next.slice(1, 12), next.slice(12)]) {
          await reopened.logStore.persistEntries(part);
          reopened = await expectLog(
            context,
            reopened,
            next.slice(0, (part.at(-1)?.index ?? 0) - boundary.index),
            boundary,
          );
        }
      },
    ),
  ),

  define(
    'E46-nothing-old-returns',
    'after purge, reset and reopen in any order no deleted entry is back',
    async (context) => {
      let engine = await openWith(context, createTestEntries(1, 200, 1, { bytes: 90 }), { batch: 8, small: true });
      for (let round = 2; round <= 8; round++) {
        const through = { index: engine.logStore.lastIndex - 3, term: engine.logStore.lastLogId?.term ?? 1 };
        await engine.logStore.purge(through);
        // Not awaited: the deletion that the purge put off must not reach into the new log.
        const reset = engine.logStore.reset(round % 2 === 0 ? undefined : { index: 40, term: round });
        const first = engine.logStore.firstIndex;
        const entries = createTestEntries(first, first + 150, round, { bytes: 60 });
        await Promise.all([reset, engine.logStore.persistEntries(entries)]);
        engine = await expectLog(context, engine, entries, round % 2 === 0 ? undefined : { index: 40, term: round });
      }
    },
  ),
];

/** Appends 256 KiB and purges them. */
async function writeAndPurge({ logStore }: StorageEngine): Promise<void> {
  const first = logStore.lastIndex + 1;
  await logStore.persistEntries(createTestEntries(first, first + 15, 1, { bytes: 16_384 }));
  await logStore.purge({ index: first + 15, term: 1 });
}

function sizeOf(directory: string): number {
  let size = 0;
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    // A file may go between the two calls: that is the space coming back.
    size += statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return size;
}
