import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '../../entry.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertHardState, assertLog, collect, rejectsWith } from '../assertions.ts';
import type { CaseContext, ConformanceCase } from '../case.ts';
import { EngineHolder } from '../engine-holder.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { createRandom } from '../random.ts';
import { awaitedLater } from './awaited-later.ts';
import { defineCases, ifChild } from './define-cases.ts';
import { expectLog, openWith } from './open-with.ts';

const define = defineCases('lifecycle');

/** A 1–4 and 6: new, closed, locked and interrupted engines. A 5 is in foreign-files.ts. */
export const lifecycleCases: readonly ConformanceCase[] = [
  define('A1-fresh', 'a new store is empty by every way to look at it', async (context) => {
    await context.andAfterReopen(await context.open(), async (engine) => {
      await assertLog(engine, []);
      const { logStore, snapshotStore } = engine;
      assert.equal(logStore.firstIndex, 1, 'firstIndex');
      assert.equal(logStore.lastIndex, 0, 'lastIndex');
      assert.equal(logStore.durableIndex, 0, 'durableIndex');
      assert.equal(logStore.lastLogId, undefined, 'lastLogId');
      assert.equal(logStore.purgeBoundary, undefined, 'purgeBoundary');
      for (const index of [0, 1, 2, 1000]) {
        assert.equal(await logStore.entry(index), undefined, `entry(${index})`);
        assert.equal(await logStore.termAt(index), undefined, `termAt(${index})`);
      }
      for (const [first, last] of [
        [0, 0],
        [1, 1],
        [1, 100],
        [100, 200],
        [5, 1],
      ] as const) {
        assert.deepEqual(await logStore.getEntries(first, last), [], `getEntries(${first}, ${last})`);
      }
      await rejectsWith('NOT_FOUND', logStore.getEntries(1, 1, { exact: true }), 'an exact range of an empty log');
      assert.equal(await snapshotStore.latest(), undefined, 'latest()');
      assert.deepEqual(await snapshotStore.list(), [], 'list()');
      assert.equal(engine.failure.aborted, false, 'failure');
    });
  }),

  define(
    'A1-fresh-does-nothing',
    'truncate, purge to 0, reset and flush of a new store change nothing',
    async (context) => {
      const engine = await context.open();
      await engine.logStore.truncate(1);
      await engine.logStore.purge({ index: 0, term: 0 });
      await engine.logStore.replaceRange(1, []);
      await engine.logStore.flush();
      await engine.metaStore.flush();
      await engine.logStore.reset();
      await context.andAfterReopen(engine, async (opened) => {
        await assertLog(opened, []);
        await assertHardState(opened, undefined);
      });
    },
  ),

  define('A2-no-vote', 'an unset hard state is undefined, also when the log is not empty', async (context) => {
    await context.andAfterReopen(await context.open(), (engine) => assertHardState(engine, undefined));
    const engine = await openWith(context, createTestEntries(1, 3, 4));
    await context.andAfterReopen(engine, (opened) => assertHardState(opened, undefined));
  }),

  define(
    'A3-closed',
    'after close every method rejects with CLOSED, and getters keep their values',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 10, 1));
      await engine.logStore.purge({ index: 2, term: 1 });
      await engine.close();
      await expectClosed(engine);
      assert.deepEqual(
        [engine.logStore.firstIndex, engine.logStore.lastIndex, { ...engine.logStore.purgeBoundary }],
        [3, 10, { index: 2, term: 1 }],
        'getters after close',
      );
      assert.equal(engine.failure.aborted, false, 'close is no failure');
    },
  ),

  define('A3-closed-from-the-call', 'the engine is CLOSED from the call of close() on', async (context) => {
    const engine = await openWith(context, createTestEntries(1, 10, 1));
    const closing = engine.close();
    await Promise.all([expectClosed(engine), closing]);
  }),

  define(
    'A3-close-again',
    'close() is idempotent, also while it is under way, and is what `await using` calls',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 10, 1));
      await Promise.all([engine.close(), engine.close(), engine[Symbol.asyncDispose]()]);
      await engine.close();
      await engine[Symbol.asyncDispose]();
      const second = await context.open();
      await second[Symbol.asyncDispose]();
      await rejectsWith('CLOSED', second.logStore.entry(1), 'a read after asyncDispose');
    },
  ),

  define(
    'A3-close-waits',
    'close() waits for the writes that were accepted, and they are all there',
    async (context) => {
      const entries = createTestEntries(1, 200, 1, { bytes: 500 });
      const engine = await context.open();
      let resolved = 0;
      const append = (entry: Entry) => engine.logStore.persistEntries([entry]).then(() => resolved++);
      const pending = awaitedLater(Promise.all(entries.map(append)));
      await engine.close();
      await pending;
      assert.equal(resolved, 200, 'appends that resolved');
      if (context.capabilities.durability === 'volatile') return;
      await expectLog(context, await context.open(), entries);
    },
  ),

  define('A3-close-frees', 'a closed place can be opened at once, again and again', async (context) => {
    const keeps = context.capabilities.durability !== 'volatile';
    let engine = await context.open();
    for (let index = 1; index <= 8; index++) {
      await engine.logStore.persistEntries([createTestEntry(keeps ? index : 1, 1)]);
      await engine.close();
      engine = await context.open();
      await assertLog(engine, keeps ? createTestEntries(1, index, 1) : []);
    }
  }),

  define(
    'A4-second-opener',
    'a second opener in the same process is LOCKED at once, and disturbs nobody',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 5, 1));
      for (let attempt = 0; attempt < 3; attempt++) {
        const started = performance.now();
        await rejectsWith('LOCKED', context.open({ keepOpen: true }), 'a second open');
        assert.ok(performance.now() - started < 2000, 'a second opener is refused at once, it does not wait');
      }
      await engine.logStore.persistEntries([createTestEntry(6, 1)]);
      await expectLog(context, engine, createTestEntries(1, 6, 1));
    },
    { inapplicable: ({ capabilities }) => (capabilities.exclusive ? undefined : 'the engine takes no lock') },
  ),

  define(
    'A4-other-process',
    'an opener in another process is LOCKED at once; a killed process blocks nobody',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 5, 1));
      const refused = await startHolder(context);
      assert.equal(await refused.open(), 'LOCKED', 'what the other process got');
      await refused.kill();
      await engine.close();
      const holder = await startHolder(context);
      assert.equal(await holder.open(), 'opened', 'what the other process got from a closed place');
      await rejectsWith('LOCKED', context.open(), 'opening what another process holds');
      await holder.kill();
      await expectLog(context, await context.open(), createTestEntries(1, 5, 1));
    },
    {
      inapplicable: (subject) => (subject.capabilities.exclusive ? ifChild(subject) : 'the engine takes no lock'),
    },
  ),

  define(
    'A6-killed-while-created',
    'after a process was killed while it made the store, the next open starts clean',
    async (context) => {
      const random = createRandom(context.seed);
      let whole = 0;
      for (let round = 0; round < 8; round++) {
        const holder = await startHolder(context);
        if (round === 0) {
          const started = performance.now();
          assert.equal(await holder.open(), 'opened', 'what the other process got');
          whole = performance.now() - started;
        } else {
          const opening = holder.open();
          await sleep(random.next() * whole);
          await holder.kill();
          await opening;
        }
        await holder.kill();
        const engine = await context.open();
        await assertLog(engine, []);
        await assertHardState(engine, undefined);
        await engine.logStore.persistEntries(createTestEntries(1, 3, 1));
        const reopened = await expectLog(context, engine, createTestEntries(1, 3, 1));
        await reopened.close();
        await context.builder.cleanup();
      }
    },
    { inapplicable: ifChild, timeoutMs: 60_000 },
  ),
];

/** Fails unless every method of every store rejects with CLOSED. */
async function expectClosed(engine: StorageEngine): Promise<void> {
  const { logStore, metaStore, snapshotStore } = engine;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1);
  };
  const calls: Record<string, Promise<unknown>> = {
    persistEntries: logStore.persistEntries([createTestEntry(11, 1)]),
    entry: logStore.entry(5),
    getEntries: logStore.getEntries(1, 10),
    entries: collect(logStore.entries()),
    termAt: logStore.termAt(5),
    purge: logStore.purge({ index: 5, term: 1 }),
    truncate: logStore.truncate(5),
    replaceRange: logStore.replaceRange(5, [createTestEntry(5, 1)]),
    flush: logStore.flush(),
    reset: logStore.reset(),
    saveHardState: metaStore.saveHardState({ currentTerm: 1, votedFor: 'a' }),
    loadHardState: metaStore.loadHardState(),
    'flush of the meta store': metaStore.flush(),
    save: snapshotStore.save({ lastIncluded: { index: 5, term: 1 } }, source()),
    latest: snapshotStore.latest(),
    list: snapshotStore.list(),
    open: collect(snapshotStore.open('1')),
    remove: snapshotStore.remove('1'),
    retain: snapshotStore.retain(1),
    write: engine.write({ entries: [createTestEntry(11, 1)] }),
  };
  if (engine.capabilities.salvage && logStore.repair !== undefined) {
    calls.repair = logStore.repair([createTestEntry(5, 1)]);
  }
  await Promise.all(Object.entries(calls).map(([what, call]) => rejectsWith('CLOSED', call, what)));
}

async function startHolder(context: CaseContext): Promise<EngineHolder> {
  const { child } = context.builder;
  if (child === undefined) throw new Error('The case applies only where the builder has a child opener.');
  const holder = await EngineHolder.start(child);
  context.onEnd(() => holder.kill());
  return holder;
}
