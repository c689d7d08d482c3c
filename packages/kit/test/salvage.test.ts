import { describe, expect, test } from 'vitest';
import type { KitStorageEngine } from '../src/index.ts';
import { errorOf } from './support/error-of.ts';
import { entries, MapPlace, shown } from './support/map-engine.ts';

async function salvaged(place: MapPlace, use: (engine: KitStorageEngine) => Promise<void>): Promise<void> {
  await place.with(use, { onCorruption: 'salvage' });
}

async function refused(place: MapPlace): Promise<void> {
  expect((await errorOf(place.open())).code).toBe('CORRUPTION');
}

/** What a plain open serves. */
async function served(place: MapPlace): Promise<string[]> {
  return place.with(async ({ logStore }) => shown(await logStore.getEntries(0, 1000)));
}

describe('what is lost', () => {
  test('a salvage opens with exactly that, serves the rest, and takes only what fits', async () => {
    const place = new MapPlace();
    await place.fill();
    place.damage(6);
    place.damage(10);
    await refused(place);
    const engine = await place.salvage();
    const { logStore } = engine;
    expect(logStore.damagedRanges).toEqual([
      { first: 4, last: 6 },
      { first: 10, last: 10 },
    ]);
    expect((await logStore.getEntries(1, 3)).map(({ index }) => index)).toEqual([1, 2, 3]);
    await expect(logStore.entry(5)).rejects.toMatchObject({
      code: 'CORRUPTION',
      details: { lostRange: { first: 4, last: 6 } },
    });
    await expect(logStore.getEntries(1, 9)).rejects.toMatchObject({ code: 'CORRUPTION' });
    await expect(logStore.termAt(5)).rejects.toMatchObject({ code: 'CORRUPTION' });
    await expect(logStore.purge({ index: 5, term: 2 })).rejects.toMatchObject({ code: 'CORRUPTION' });

    const right = [...entries(4, 4, 1), ...entries(5, 6, 2)];
    await expect(logStore.repair(right.slice(0, 2))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(logStore.repair(entries(4, 6, 3))).rejects.toMatchObject({ code: 'TERM_REGRESSION' });
    await expect(logStore.repair(entries(10, 10, 2))).rejects.toMatchObject({ code: 'TERM_REGRESSION' });
    await logStore.repair(right);
    expect(logStore.damagedRanges).toEqual([{ first: 10, last: 10 }]);
    expect(await logStore.termAt(4)).toBe(1);
    expect(await logStore.termAt(5)).toBe(2);
    await engine.close();

    // Half repaired is still damaged: a plain open would serve a log with a hole.
    await refused(place);
    const second = await place.salvage();
    await second.logStore.repair(entries(10, 10, 3));
    await second.logStore.persistEntries(entries(11, 11, 3));
    await second.close();
    await place.with(async (whole) => {
      const all = [...entries(1, 4, 1), ...entries(5, 7, 2), ...entries(8, 11, 3)];
      expect(await whole.logStore.getEntries(1, 11)).toEqual(all);
    });
  });

  test('what is cut off, purged or reset needs no repair', async () => {
    for (const mend of [
      (engine: KitStorageEngine) => engine.logStore.truncate(4),
      (engine: KitStorageEngine) => engine.logStore.purge({ index: 8, term: 3 }),
      (engine: KitStorageEngine) => engine.logStore.reset(),
    ]) {
      const place = new MapPlace();
      await place.fill();
      place.damage(6);
      await salvaged(place, async (engine) => {
        await mend(engine);
        expect(engine.logStore.damagedRanges).toEqual([]);
      });
      await (await place.open()).close();
    }
  });

  test('the last entry of a damaged end has the term that the header knows', async () => {
    const place = new MapPlace();
    await place.fill();
    place.damage(10);
    await salvaged(place, async ({ logStore }) => {
      expect(logStore.lastLogId).toEqual({ index: 10, term: 3 });
      expect(await logStore.termAt(10)).toBe(3);
    });
  });

  test('a salvage that finds none ends what an earlier one had noted', async () => {
    const place = new MapPlace();
    await place.fill();
    const intact = place.copy();
    place.damage(6);
    await salvaged(place, async () => {});
    await refused(place);
    // As if the disk, or the codec, had come back.
    place.stored.blocks = intact.blocks;
    await refused(place);
    await salvaged(place, async ({ logStore }) => expect(logStore.damagedRanges).toEqual([]));
    expect(await served(place)).toHaveLength(10);
  });

  test('a block that this engine can only not decode is no damage', async () => {
    const place = new MapPlace();
    const compression = {
      compress: async (bytes: Uint8Array) => bytes.subarray(0, 100),
      decompress: async (bytes: Uint8Array, limit: number) => {
        const whole = new Uint8Array(limit);
        whole.set(bytes);
        return whole;
      },
    };
    await place.with(({ logStore }) => logStore.persistEntries(entries(1, 1, 1, 200).map(zeroed)), { compression });
    const before = place.copy();
    expect((await errorOf(place.open())).code).toBe('UNSUPPORTED');
    expect((await errorOf(place.salvage())).code).toBe('UNSUPPORTED');
    expect(place.copy()).toEqual(before);
    await place.with(async ({ logStore }) => expect(await logStore.entry(1)).toBeDefined(), { compression });
  });
});

function zeroed<T extends { readonly data: Uint8Array }>(entry: T): T {
  return { ...entry, data: new Uint8Array(entry.data.length) };
}

describe('an end of the log that only the store remembers', () => {
  /** Entries 1 to 10 of term 1 are there; 11 to 20 are lost, and the store says so. */
  async function place(): Promise<MapPlace> {
    const made = new MapPlace();
    await made.with(({ logStore }) => logStore.persistEntries(entries(1, 10, 1, 10)));
    made.stored.damagedRanges = [{ first: 11, last: 20 }];
    return made;
  }

  test('is damaged, not gone: nothing is appended in its place', async () => {
    const made = await place();
    await salvaged(made, async ({ logStore }) => {
      expect(logStore.damagedRanges).toEqual([{ first: 11, last: 20 }]);
      // The lowest term that the end can have.
      expect(logStore.lastLogId).toEqual({ index: 20, term: 1 });
      expect((await errorOf(logStore.persistEntries(entries(11, 11, 1, 10)))).code).toBe('NON_CONTIGUOUS');
      expect((await errorOf(logStore.termAt(20))).code).toBe('CORRUPTION');
      expect((await errorOf(logStore.purge({ index: 20, term: 1 }))).code).toBe('CORRUPTION');
      expect((await errorOf(logStore.entry(15))).code).toBe('CORRUPTION');
    });
    await refused(made);
  });

  test('takes entries of any term that fits what stands before, at this salvage and at the next one', async () => {
    const made = await place();
    await salvaged(made, async () => {});
    // By now the store has sealed its loss and reports no more of it.
    delete made.stored.damagedRanges;
    await salvaged(made, async ({ logStore }) => {
      expect(logStore.damagedRanges).toEqual([{ first: 11, last: 20 }]);
      const right = [...entries(11, 15, 2, 10), ...entries(16, 20, 4, 10)];
      await logStore.repair(right);
      expect(logStore.damagedRanges).toEqual([]);
      expect(logStore.lastLogId).toEqual({ index: 20, term: 4 });
      expect(await logStore.termAt(20)).toBe(4);
      expect((await errorOf(logStore.persistEntries(entries(21, 21, 3, 10)))).code).toBe('TERM_REGRESSION');
      await logStore.persistEntries(entries(21, 21, 4, 10));
    });
    expect((await served(made)).slice(9)).toEqual([
      '10/1',
      ...entries(11, 15, 2).map(({ index }) => `${index}/2`),
      ...entries(16, 21, 4).map(({ index }) => `${index}/4`),
    ]);
  });

  test('a repair of it that the next write does not wait for: the header has the right end', async () => {
    const made = await place();
    await salvaged(made, async ({ logStore }) => {
      const repaired = logStore.repair(entries(11, 20, 2, 10));
      const purged = logStore.purge({ index: 3, term: 1 });
      await Promise.all([repaired, purged]);
    });
    await made.with(async ({ logStore }) => expect(logStore.lastLogId).toEqual({ index: 20, term: 2 }));
  });

  test('can be followed by new entries before it is repaired; what stands behind it bounds its terms from then on', async () => {
    const made = await place();
    await salvaged(made, async ({ logStore }) => {
      await logStore.persistEntries(entries(21, 22, 3, 10));
      expect(logStore.damagedRanges).toEqual([{ first: 11, last: 20 }]);
    });
    await refused(made);
    await salvaged(made, async ({ logStore }) => {
      expect(logStore.damagedRanges).toEqual([{ first: 11, last: 20 }]);
      expect((await errorOf(logStore.repair(entries(11, 20, 4, 10)))).code).toBe('TERM_REGRESSION');
      await logStore.repair(entries(11, 20, 2, 10));
    });
    expect(await served(made)).toHaveLength(22);
  });

  test('can be cut off, or reset from a snapshot', async () => {
    for (const [mend, last] of [
      [({ logStore }: KitStorageEngine) => logStore.truncate(11), { index: 10, term: 1 }],
      [({ logStore }: KitStorageEngine) => logStore.reset({ index: 20, term: 2 }), { index: 20, term: 2 }],
      [({ logStore }: KitStorageEngine) => logStore.purge({ index: 30, term: 2 }), { index: 30, term: 2 }],
    ] as const) {
      const made = await place();
      await salvaged(made, mend);
      await made.with(async ({ logStore }) => expect(logStore.lastLogId).toEqual(last));
    }
  });

  test('with nothing intact before it, has the term of the boundary at least', async () => {
    const made = new MapPlace();
    await made.with(({ logStore }) => logStore.reset({ index: 10, term: 3 }));
    made.stored.damagedRanges = [{ first: 11, last: 12 }];
    await salvaged(made, async ({ logStore }) => {
      expect(logStore.damagedRanges).toEqual([{ first: 11, last: 12 }]);
      expect(logStore.lastLogId).toEqual({ index: 12, term: 3 });
      expect((await errorOf(logStore.persistEntries(entries(13, 13, 2, 10)))).code).toBe('TERM_REGRESSION');
      await logStore.repair(entries(11, 12, 3, 10));
    });
    expect(await served(made)).toEqual(['11/3', '12/3']);
  });

  test('with nothing at all before it, has no term', async () => {
    const made = new MapPlace();
    await made.with(async () => {});
    made.stored.damagedRanges = [{ first: 1, last: 2 }];
    await salvaged(made, async ({ logStore }) => {
      expect((await errorOf(logStore.termAt(1))).code).toBe('CORRUPTION');
      expect((await errorOf(logStore.truncate(2))).code).toBe('CORRUPTION');
      await logStore.repair(entries(1, 2, 3, 10));
      expect(await logStore.termAt(1)).toBe(3);
    });
    expect(await served(made)).toEqual(['1/3', '2/3']);
  });
});

describe('commits that only the witness remembers', () => {
  /** A place with ten blocks of ten entries of term 1 that then loses what `change` did, in silence. */
  async function lostChange(change: (engine: KitStorageEngine) => Promise<void>, purged = 0): Promise<MapPlace> {
    const place = new MapPlace();
    await place.with(async (engine) => {
      for (let first = 1; first <= 100; first += 10)
        await engine.logStore.persistEntries(entries(first, first + 9, 1, 10));
      if (purged > 0) await engine.logStore.purge({ index: purged, term: 1 });
    });
    const older = place.copy();
    await place.with(change);
    place.stored = older;
    await refused(place);
    return place;
  }

  test('that only appended in the same term: what they appended is damaged, and its end known', async () => {
    const place = await lostChange(({ logStore }) => logStore.persistEntries(entries(101, 110, 1, 10)));
    await salvaged(place, async ({ logStore }) => {
      expect(logStore.damagedRanges).toEqual([{ first: 101, last: 110 }]);
      expect(await logStore.termAt(110)).toBe(1);
      await logStore.repair(entries(101, 110, 1, 10));
    });
    expect(await served(place)).toHaveLength(110);
  });

  test('that may have cut: no entry above the boundary is vouched for, at this salvage and at the next one', async () => {
    const place = await lostChange(({ logStore }) => logStore.replaceRange(50, entries(50, 60, 2, 10)), 20);
    for (let salvage = 1; salvage <= 2; salvage++) {
      await salvaged(place, async ({ logStore }) => {
        expect(logStore.damagedRanges).toEqual([{ first: 21, last: 60 }]);
        expect(logStore.purgeBoundary).toEqual({ index: 20, term: 1 });
        expect(logStore.lastLogId).toEqual({ index: 60, term: 2 });
        expect((await errorOf(logStore.entry(55))).code).toBe('CORRUPTION');
      });
      await refused(place);
    }
    await salvaged(place, async ({ logStore }) => {
      expect((await errorOf(logStore.repair(entries(21, 60, 1, 10)))).code).toBe('TERM_REGRESSION');
      await logStore.repair([...entries(21, 49, 1, 10), ...entries(50, 60, 2, 10)]);
      await logStore.persistEntries(entries(61, 99, 2, 10));
    });
    await place.with(async ({ logStore }) => {
      expect(await logStore.getEntries(0, 1000)).toEqual([...entries(21, 49, 1, 10), ...entries(50, 99, 2, 10)]);
    });
  });

  test('a truncation among them brings nothing back', async () => {
    const place = await lostChange(({ logStore }) => logStore.truncate(50));
    await salvaged(place, async ({ logStore }) => {
      expect(logStore.lastIndex).toBe(49);
      expect(logStore.damagedRanges).toEqual([{ first: 1, last: 49 }]);
    });
  });

  test('a reset among them takes the boundary back', async () => {
    const place = await lostChange(({ logStore }) => logStore.reset(), 30);
    await salvaged(place, async ({ logStore }) => {
      expect([logStore.firstIndex, logStore.lastIndex, logStore.damagedRanges]).toEqual([1, 0, []]);
      await logStore.persistEntries(entries(1, 1, 1, 10));
    });
    expect(await served(place)).toEqual(['1/1']);
  });

  test('a reset to a boundary of another term takes the boundary back', async () => {
    const place = await lostChange(({ logStore }) => logStore.reset({ index: 30, term: 2 }), 30);
    await salvaged(place, async ({ logStore }) => {
      expect([logStore.firstIndex, logStore.lastLogId, logStore.damagedRanges]).toEqual([
        1,
        { index: 30, term: 2 },
        [{ first: 1, last: 30 }],
      ]);
      await logStore.reset({ index: 30, term: 2 });
      await logStore.persistEntries(entries(31, 31, 2, 10));
    });
    expect(await served(place)).toEqual(['31/2']);
  });
});

describe('a repair that other calls do not wait for', () => {
  /** Four blocks of term 1; the second, entries 5 to 10, is damaged. */
  async function place(): Promise<MapPlace> {
    const made = new MapPlace();
    await made.with(async ({ logStore }) => {
      await logStore.persistEntries(entries(1, 4, 1, 50));
      await logStore.persistEntries(entries(5, 10, 1, 50));
      await logStore.persistEntries(entries(11, 20, 1, 50));
    });
    made.damage(10);
    return made;
  }

  test('a commit behind it says that nothing is damaged any more', async () => {
    const made = await place();
    await salvaged(made, async ({ logStore }) => {
      await Promise.all([logStore.repair(entries(5, 10, 1, 50)), logStore.persistEntries(entries(21, 22, 1, 50))]);
    });
    expect(await served(made)).toHaveLength(22);
  });

  test('the terms are those of the later call', async () => {
    for (const change of [
      async ({ logStore }: KitStorageEngine) => logStore.replaceRange(5, entries(5, 12, 3, 50)),
      async ({ logStore }: KitStorageEngine) => {
        const reset = logStore.reset();
        await Promise.all([reset, logStore.persistEntries(entries(1, 12, 3, 50))]);
      },
    ]) {
      const made = await place();
      await salvaged(made, async (engine) => {
        const { logStore } = engine;
        await Promise.all([logStore.repair(entries(5, 10, 1, 50)), change(engine)]);
        for (const { index, term } of await logStore.getEntries(1, 12)) expect(await logStore.termAt(index)).toBe(term);
        await logStore.truncate(9);
        expect(logStore.lastLogId).toEqual({ index: 8, term: 3 });
      });
      await (await made.open()).close();
    }
  });

  test('a cut through the range keeps what was put back below it', async () => {
    const made = await place();
    await salvaged(made, async ({ logStore }) => {
      await Promise.all([logStore.repair(entries(5, 10, 1, 50)), logStore.truncate(8)]);
      expect(logStore.damagedRanges).toEqual([]);
    });
    await made.with(async ({ logStore }) => {
      expect(await logStore.getEntries(0, 100)).toEqual(entries(1, 7, 1, 50));
    });
  });

  test('the same range is not taken a second time meanwhile', async () => {
    const made = await place();
    await salvaged(made, async ({ logStore }) => {
      const first = logStore.repair(entries(5, 10, 1, 50));
      expect((await errorOf(logStore.repair(entries(5, 10, 1, 30_000)))).code).toBe('INVALID_ARGUMENT');
      await first;
    });
    expect(await served(made)).toHaveLength(20);
  });

  test('a cut through a range that is damaged leaves the rest of it damaged', async () => {
    const made = await place();
    await salvaged(made, async ({ logStore, failure }) => {
      await logStore.truncate(8);
      expect(failure.aborted).toBe(false);
      expect(logStore.damagedRanges).toEqual([{ first: 5, last: 7 }]);
      await logStore.persistEntries(entries(8, 9, 1, 50));
    });
    await refused(made);
    await salvaged(made, async ({ logStore }) => {
      expect(logStore.damagedRanges).toEqual([{ first: 5, last: 7 }]);
      await logStore.repair(entries(5, 7, 1, 50));
    });
    expect(await served(made)).toHaveLength(9);
  });
});
