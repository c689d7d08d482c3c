import type { SnapshotInfo } from '@raftlog/core';
import { describe, expect, test } from 'vitest';
import { copyStore, defineAdaptor, type StoreOptions } from '../src/index.ts';
import { DelayedMapBlocks } from './delayed-map-blocks.ts';
import { KeptHardState, noSnapshots } from './memory-parts.ts';
import { codeOf, errorOf } from './support/error-of.ts';
import { entries, MapPlace } from './support/map-engine.ts';

/* Calls that meet others which are not done: a close, an abort, a full queue, the same call again. */

/** A place with 3 MiB of entries, which no single read of the store brings. */
async function longLog(): Promise<MapPlace> {
  const place = new MapPlace();
  await place.with(({ logStore }) => logStore.persistEntries(entries(1, 150, 1)));
  return place;
}

describe('a read', () => {
  test('that meets a close is answered, however many reads of the store it takes', async () => {
    const place = new MapPlace();
    // Between two reads of the store it gives the event loop its turn: nothing is under way then that the store knows of.
    await place.with(({ logStore }) => logStore.persistEntries(entries(1, 30_000, 1, 100)));
    const engine = await place.open({ cacheBytes: 0 });
    const reading = engine.logStore.getEntries(1, 30_000);
    await engine.close();
    expect(await reading).toHaveLength(30_000);
    expect(await codeOf(engine.logStore.getEntries(1, 30_000))).toBe('CLOSED');
  });

  test('that is aborted while the store answers says ABORTED, as a list and as a stream', async () => {
    const place = await longLog();
    await place.with(
      async ({ logStore }) => {
        const { signal, abort } = abortable();
        const list = logStore.getEntries(1, 150, { signal });
        const stream = logStore.entries({}, { signal })[Symbol.asyncIterator]().next();
        await Promise.resolve();
        abort();
        for (const read of [list, stream]) {
          expect(await errorOf(read)).toMatchObject({ code: 'ABORTED', cause: signal.reason });
        }
      },
      { cacheBytes: 0 },
    );
  });

  test('that waits for its turn when the engine fails is answered, for what it asks for is durable', async () => {
    const place = new MapPlace();
    await place.with(({ logStore }) => logStore.persistEntries(entries(1, 60, 1)));
    const engine = await place.open({ cacheBytes: 0 });
    const { logStore } = engine;
    place.turns = 8;
    const reading = logStore.getEntries(1, 60);
    // Each purge overtakes it; after three it queues behind the writer, whose next commit fails.
    let purged = 0;
    for (; purged < 40 && !engine.failure.aborted; purged++) {
      logStore.purge({ index: purged + 1, term: 1 }).catch(() => {});
      if (purged === 12 && place.store !== undefined) place.store.failNext = () => new Error('the disk is gone');
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    }
    expect(engine.failure.aborted).toBe(true);
    expect((await reading).at(-1)?.index).toBe(60);
    await engine.close();
  });
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

test('a call that brings no bytes is never BUSY', async () => {
  const place = new MapPlace();
  await place.with(
    async ({ logStore, metaStore }) => {
      const large = logStore.persistEntries(entries(1, 3, 1));
      expect(await codeOf(logStore.persistEntries(entries(4, 4, 1)))).toBe('BUSY');
      await Promise.all([
        large,
        logStore.flush(),
        metaStore.flush(),
        logStore.persistEntries([]),
        metaStore.saveHardState({ currentTerm: 3, votedFor: 'a' }),
        logStore.truncate(3),
        logStore.purge({ index: 1, term: 1 }),
        logStore.reset({ index: 9, term: 3 }),
      ]);
    },
    { maxPendingBytes: 1000 },
  );
});

describe('a call that finds its work done already is done no sooner than that is durable:', () => {
  for (const [name, first, second] of [
    ['the same purge', (log) => log.purge({ index: 5, term: 1 }), (log) => log.purge({ index: 5, term: 1 })],
    [
      'a purge below the boundary',
      (log) => log.purge({ index: 5, term: 1 }),
      (log) => log.purge({ index: 4, term: 1 }),
    ],
    [
      'a purge to where a reset went',
      (log) => log.reset({ index: 5, term: 1 }),
      (log) => log.purge({ index: 5, term: 1 }),
    ],
    ['a truncation past the end', (log) => log.truncate(5), (log) => log.truncate(8)],
    ['a truncation to the end', (log) => log.truncate(5), (log) => log.replaceRange(5, [])],
  ] as const satisfies readonly [string, LogCall, LogCall][]) {
    test(name, async () => {
      const place = new MapPlace();
      await place.with(async ({ logStore }) => {
        await logStore.persistEntries(entries(1, 10, 1, 10));
        place.turns = 6;
        const order: string[] = [];
        await Promise.all([
          first(logStore).then(() => order.push('first')),
          second(logStore).then(() => order.push('second')),
        ]);
        expect(order).toEqual(['first', 'second']);
      });
    });
  }
});

type LogCall = (log: Awaited<ReturnType<MapPlace['open']>>['logStore']) => Promise<void>;

test('an adaptor without salvage says so, and has nothing to repair', async () => {
  const place = new MapPlace({ salvage: false });
  expect(await codeOf(place.salvage())).toBe('UNSUPPORTED');
  await place.with(async ({ capabilities, logStore }) => {
    expect(capabilities.salvage).toBe(false);
    expect(await codeOf(logStore.repair(entries(1, 1, 1)))).toBe('UNSUPPORTED');
  });
});

describe('the end of the log is in memory after an open,', () => {
  for (const [name, sizes, expected] of [
    ['where it is one small entry behind large ones', [...Array(600).fill(16_000), 0], 200],
    ['where it is one large entry behind small ones', [...Array(2000).fill(20), 60_000], 1000],
    ['where small entries stand behind large ones', [...Array(400).fill(60_000), ...Array(900).fill(0)], 930],
    ['where entries are larger than a read of the store', [...Array(8).fill(1_500_000), 0], 2],
  ] as const) {
    test(name, async () => {
      const place = new MapPlace();
      place.turns = 0;
      await place.with(async ({ logStore }) => {
        // One by one, so that each is a block.
        for (const [position, bytes] of sizes.entries())
          await logStore.persistEntries(entries(position + 1, position + 1, 1, bytes));
      });
      await place.with(async (engine) => {
        const { storeReads } = engine.stats();
        expect(storeReads).toBeLessThan(40);
        await engine.logStore.getEntries(sizes.length - expected + 1, sizes.length);
        expect(engine.stats().storeReads).toBe(storeReads);
      });
    });
  }
});

test('a close frees everything, also where the snapshots fail to close', async () => {
  let freed = 0;
  class Blocks extends DelayedMapBlocks {
    override async close(): Promise<void> {
      freed++;
    }
  }
  const hardState = new KeptHardState();
  hardState.close = async () => {
    freed++;
  };
  let closes = 0;
  const engine = await defineAdaptor<StoreOptions>({
    name: 'remote',
    durability: ['sync'],
    blockStore: () => new Blocks({ blocks: new Map(), header: undefined }, () => 0),
    remote: {
      hardState: () => hardState,
      snapshots: () => ({
        ...noSnapshots(),
        close: async () => {
          closes++;
          throw new Error('the network is gone');
        },
      }),
    },
  }).open({});
  expect((await errorOf(engine.close())).message).toMatch(/network/);
  expect([freed, closes]).toEqual([2, 1]);
});

test('copyStore compares all that is told of a snapshot', async () => {
  const [from, to] = await Promise.all([new MapPlace().open(), new MapPlace().open()]);
  const content = async function* () {
    yield Uint8Array.of(1, 2, 3);
  };
  await from.snapshotStore.save({ lastIncluded: { index: 2, term: 1 }, context: Uint8Array.of(7) }, content());
  const list = to.snapshotStore.list.bind(to.snapshotStore);
  for (const change of [
    { context: Uint8Array.of(8) },
    { lastIncluded: { index: 3, term: 1 } },
    { lastIncluded: { index: 2, term: 2 } },
  ]) {
    for (const { id } of await list()) await to.snapshotStore.remove(id);
    let calls = 0;
    to.snapshotStore.list = async (): Promise<SnapshotInfo[]> => {
      const found = await list();
      return calls++ === 0 ? found : found.map((snapshot) => ({ ...snapshot, ...change }));
    };
    expect(await errorOf(copyStore(from, to))).toMatchObject({
      code: 'CORRUPTION',
      message: expect.stringMatching(/snapshot/),
    });
  }
  await Promise.all([from.close(), to.close()]);
});
