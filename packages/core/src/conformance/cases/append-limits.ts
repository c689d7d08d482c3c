import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, MAX_INDEX, MAX_TERM } from '../../entry.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertHardState, assertLog, assertSameEntries, rejectsWith } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { awaitedLater } from './awaited-later.ts';
import { defineCases, ifDirectory } from './define-cases.ts';
import { expectLog, expectRefused, openWith, type RefusedCall } from './open-with.ts';

const define = defineCases('append');
const MIB = 1024 * 1024;

/** B 16, 17, 21, 22a, 22b: sizes, bytes and numbers at their limits, backpressure, and the combined write. */
export const appendLimitCases: readonly ConformanceCase[] = [
  define('B16-sizes', 'data of every size comes back, larger than block, segment, page and cache', async (context) => {
    const sizes = [0, 1, 2, 255, 4096, 65_535, 65_536, 65_546, 1, MIB, 0, 300_000, 17].filter(
      (bytes) => bytes <= context.capabilities.maxEntryBytes,
    );
    const entries = sizes.map((bytes, position) => createTestEntry(position + 1, 1, { bytes }));
    const engine = await openWith(context, entries, { batch: 1, small: true });
    const reopened = await expectLog(context, engine, entries);
    const again = sizes.map((bytes, position) => createTestEntry(sizes.length + position + 1, 2, { bytes }));
    await reopened.logStore.persistEntries(again);
    await expectLog(context, reopened, [...entries, ...again]);
  }),

  define(
    'B16-forty-megabytes',
    'an entry of 40 MB, or of the largest size that the engine takes, comes back',
    async (context) => {
      const bytes = Math.min(40_000_000, context.capabilities.maxEntryBytes);
      const entries = [createTestEntry(1, 1), createTestEntry(2, 1, { bytes }), createTestEntry(3, 1)];
      const engine = await openWith(context, entries, { batch: 1 });
      await context.andAfterReopen(engine, async (opened) => {
        assertSameEntries(await opened.logStore.getEntries(1, 3), entries, 'getEntries(1, 3)');
      });
    },
    { timeoutMs: 60_000 },
  ),

  define(
    'B16-too-large',
    'data above maxEntryBytes is TOO_LARGE before anything is written; data of exactly that size is taken',
    async (context) => {
      const entries = createTestEntries(1, 3, 1);
      const engine = await openWith(context, entries);
      const limit = engine.capabilities.maxEntryBytes;
      const tooLarge: Entry = { index: 4, term: 1, kind: 'command', data: new Uint8Array(limit + 1) };
      const calls: RefusedCall[] = [
        { what: 'append', call: (opened) => opened.logStore.persistEntries([tooLarge]), code: 'TOO_LARGE' },
        {
          what: 'append behind a small entry',
          call: (opened) => opened.logStore.persistEntries([createTestEntry(4, 1), { ...tooLarge, index: 5 }]),
          code: 'TOO_LARGE',
        },
        { what: 'replaceRange', call: (opened) => opened.logStore.replaceRange(4, [tooLarge]), code: 'TOO_LARGE' },
      ];
      const error = await rejectsWith('TOO_LARGE', engine.logStore.persistEntries([tooLarge]));
      assert.equal(error.details.limit, limit, 'details.limit of the error');
      const reopened = await expectRefused(context, engine, calls, entries);
      const largest: Entry = { ...tooLarge, data: new Uint8Array(limit).fill(0xa5) };
      await reopened.logStore.persistEntries([largest]);
      await context.andAfterReopen(reopened, async (opened) => {
        assertSameEntries(await opened.logStore.getEntries(4, 4), [largest], 'an entry of exactly maxEntryBytes');
      });
    },
    {
      timeoutMs: 60_000,
      inapplicable: ({ capabilities }) =>
        capabilities.maxEntryBytes > 1024 * MIB ? 'the limit is above 1 GiB, too much memory to try it' : undefined,
    },
  ),

  define('B17-awkward-bytes', 'data full of zeros, of 0xFF or of patterns comes back', async (context) => {
    const patterns = [0x00, 0xff, 0x0a, 0x80].flatMap((byte) =>
      [16, 512, 4096, 70_000].map((length) => new Uint8Array(length).fill(byte)),
    );
    const entries = patterns.map((data, position): Entry => ({ index: position + 1, term: 1, kind: 'command', data }));
    const engine = await openWith(context, entries, { batch: 3, small: true });
    const reopened = await expectLog(context, engine, entries);
    // What follows the cut is then full of bytes that look like anything but a record.
    await reopened.logStore.truncate(9);
    await expectLog(context, reopened, entries.slice(0, 8));
  }),

  define(
    'B17-own-format-as-data',
    "data that holds the engine's own files, header, records and all, is only data",
    async (context) => {
      const before = createTestEntries(1, 20, 1);
      const engine = await openWith(context, before, { batch: 2, small: true });
      await engine.metaStore.saveHardState({ currentTerm: 1, votedFor: 'node-1' });
      await engine.close();
      const files = filesBelow(context.builder.directory ?? '').map((path) => readFileSync(path).subarray(0, 200_000));
      assert.ok(files.length > 0, 'a persistent engine has files in its directory');
      const copies = files.map((data, at): Entry => ({ index: 21 + at, term: 1, kind: 'command', data }));
      const opened = await openWith(context, copies, { batch: 1, small: true });
      const reopened = await expectLog(context, opened, [...before, ...copies]);
      await reopened.logStore.replaceRange(
        21,
        [...copies].reverse().map((entry, at) => ({ ...entry, index: 21 + at })),
      );
      await reopened.logStore.truncate(22);
      await expectLog(context, reopened, [...before, { ...copies.at(-1), index: 21 } as Entry]);
    },
    { inapplicable: ifDirectory },
  ),

  ...[
    { id: 'B21-index-2-32', base: 2 ** 32 - 4, title: 'a log goes on across index 2^32 - 1 and 2^32' },
    { id: 'B21-index-2-31', base: 2 ** 31 - 4, title: 'a log goes on across index 2^31 - 1 and 2^31' },
    { id: 'B21-index-2-40', base: 2 ** 40 - 4, title: 'a log goes on across index 2^40' },
  ].map(({ id, base, title }) =>
    define(id, title, async (context) => {
      const boundary = { index: base, term: 2 ** 32 + 1 };
      const engine = await context.open({ small: true });
      await engine.logStore.reset(boundary);
      const entries = createTestEntries(base + 1, base + 8, 2 ** 32 + 2);
      await engine.logStore.persistEntries(entries.slice(0, 4));
      await engine.logStore.persistEntries(entries.slice(4));
      const reopened = await expectLog(context, engine, entries, boundary);
      await reopened.logStore.truncate(base + 7);
      await reopened.logStore.purge({ index: base + 4, term: 2 ** 32 + 2 });
      await expectLog(context, reopened, entries.slice(4, 6), { index: base + 4, term: 2 ** 32 + 2 });
    }),
  ),

  define(
    'B21-highest-index',
    'the highest index, 2^53 - 2, and the highest term, 2^53 - 1, are usable',
    async (context) => {
      const boundary = { index: MAX_INDEX - 3, term: MAX_TERM - 1 };
      const engine = await context.open();
      await engine.logStore.reset(boundary);
      const entries = createTestEntries(MAX_INDEX - 2, MAX_INDEX, MAX_TERM);
      await engine.logStore.persistEntries(entries);
      const full = await expectRefused(
        context,
        engine,
        [
          {
            what: 'an append past the highest index',
            code: 'INVALID_ARGUMENT',
            call: (opened) => opened.logStore.persistEntries([createTestEntry(MAX_INDEX + 1, MAX_TERM)]),
          },
        ],
        entries,
        boundary,
      );
      await full.metaStore.saveHardState({ currentTerm: MAX_TERM, votedFor: 'x' });
      await full.logStore.purge({ index: MAX_INDEX, term: MAX_TERM });
      await context.andAfterReopen(full, async (opened) => {
        await assertLog(opened, [], { index: MAX_INDEX, term: MAX_TERM });
        await assertHardState(opened, { currentTerm: MAX_TERM, votedFor: 'x' });
      });
    },
  ),

  define(
    'B21-invalid-numbers',
    'numbers that are no index or no term are INVALID_ARGUMENT everywhere',
    async (context) => {
      const entries = createTestEntries(1, 5, 2);
      const engine = await openWith(context, entries);
      const wrong = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '6' as never, undefined as never];
      const calls = wrong.flatMap((value): RefusedCall[] => {
        const entry = createTestEntry(6, 2);
        const call = (what: string, run: RefusedCall['call']): RefusedCall => ({
          what: `${what} with ${String(value)}`,
          code: 'INVALID_ARGUMENT',
          call: run,
        });
        return [
          call('an append, index', ({ logStore }) => logStore.persistEntries([{ ...entry, index: value }])),
          call('an append, second index', ({ logStore }) =>
            logStore.persistEntries([entry, { ...entry, index: value }]),
          ),
          call('an append, term', ({ logStore }) => logStore.persistEntries([{ ...entry, term: value }])),
          call('replaceRange, index', ({ logStore }) => logStore.replaceRange(value, [])),
          call('replaceRange, term', ({ logStore }) => logStore.replaceRange(6, [{ ...entry, term: value }])),
          call('truncate', ({ logStore }) => logStore.truncate(value)),
          call('reset, term', ({ logStore }) => logStore.reset({ index: 9, term: value })),
          call('purge, term', ({ logStore }) => logStore.purge({ index: 3, term: value })),
          call('write', (opened) => opened.write({ entries: [{ ...entry, term: value }] })),
          ...(value === undefined
            ? []
            : [call('write, truncateFrom', (opened: StorageEngine) => opened.write({ truncateFrom: value }))]),
          ...(value === 0 ? [] : [call('purge, index', ({ logStore }) => logStore.purge({ index: value, term: 2 }))]),
        ];
      });
      await expectRefused(context, engine, calls, entries);
    },
  ),

  define(
    'B21-invalid-entries',
    'an entry with an unknown kind, or data that are no bytes, is INVALID_ARGUMENT',
    async (context) => {
      const entries = createTestEntries(1, 5, 2);
      const engine = await openWith(context, entries);
      const wrong: [string, object][] = [
        ['kind "other"', { kind: 'other' }],
        ['no kind', { kind: undefined }],
        ['data "text"', { data: 'text' }],
        ['data [1, 2]', { data: [1, 2] }],
        ['no data', { data: undefined }],
      ];
      const calls = wrong.map(
        ([what, part]): RefusedCall => ({
          what: `an append with ${what}`,
          code: 'INVALID_ARGUMENT',
          call: (opened) => opened.logStore.persistEntries([{ ...createTestEntry(6, 2), ...part }]),
        }),
      );
      await expectRefused(context, engine, calls, entries);
    },
  ),

  define(
    'B22a-busy',
    'beyond maxPendingBytes a call is BUSY: not accepted, and nothing that was accepted is lost',
    async (context) => {
      const engine = await context.open({ maxPendingBytes: 256 * 1024 });
      const log = engine.logStore;
      const limit = engine.capabilities.maxPendingBytes;
      // A sixteenth of the limit in each call, in as many entries as that takes.
      const share = Math.max(1, Math.floor(limit / 16));
      const bytes = Math.min(share, engine.capabilities.maxEntryBytes);
      const perCall = Math.ceil(share / bytes);
      const accepted: Entry[] = [];
      const pending: Promise<void>[] = [];
      let refusals = 0;
      for (let call = 1; call <= 40; call++) {
        const first = log.lastIndex + 1;
        const entries = createTestEntries(first, first + perCall - 1, 1, { bytes });
        const append = log.persistEntries(entries);
        if (log.lastIndex === first + perCall - 1) {
          for (const entry of entries) accepted.push(entry);
          pending.push(awaitedLater(append));
          continue;
        }
        refusals++;
        const error = await rejectsWith('BUSY', append, 'a call that was not accepted');
        assert.equal(error.details.limit, limit, 'details.limit of BUSY');
        assert.ok(call > 8, `BUSY after ${accepted.length * bytes} bytes, the limit is ${limit}`);
        break;
      }
      // An engine that commits within the call has nothing pending, and may take everything.
      const allCommitted = log.durableIndex === log.lastIndex || engine.capabilities.durability === 'volatile';
      assert.ok(
        refusals > 0 || allCommitted,
        `${accepted.length * bytes} bytes are accepted and pending, the limit is ${limit}`,
      );
      await Promise.all(pending);
      const next = createTestEntry(accepted.length + 1, 1, { bytes });
      await log.persistEntries([next]);
      await context.andAfterReopen(engine, async (opened) => {
        assertSameEntries(await opened.logStore.getEntries(1, next.index), [...accepted, next], 'after BUSY');
      });
    },
    {
      inapplicable: ({ capabilities }) =>
        capabilities.maxPendingBytes > 256 * MIB ? 'the limit is above 256 MiB, too much memory to try it' : undefined,
    },
  ),

  define('B22a-never-busy-when-idle', 'with nothing pending a call is taken however large it is', async (context) => {
    const engine = await context.open({ maxPendingBytes: 64 * 1024 });
    const bytes = Math.min(40_000, context.capabilities.maxEntryBytes);
    const entries = createTestEntries(1, 5, 1, { bytes });
    await engine.logStore.persistEntries(entries);
    await expectLog(context, engine, entries);
  }),

  define('B22b-write-parts', 'write() does what its parts do, each alone and all together', async (context) => {
    const engine = await context.open();
    await engine.write({});
    await engine.write({ entries: createTestEntries(1, 6, 1) });
    await engine.write({ truncateFrom: 5 });
    await engine.write({ hardState: { currentTerm: 2, votedFor: undefined } });
    await engine.write({ truncateFrom: 4, entries: createTestEntries(4, 8, 2) });
    await engine.write({ truncateFrom: 100 });
    await engine.write({
      hardState: { currentTerm: 3, votedFor: 'b' },
      truncateFrom: 8,
      entries: createTestEntries(8, 10, 3),
    });
    const expected = [...createTestEntries(1, 3, 1), ...createTestEntries(4, 7, 2), ...createTestEntries(8, 10, 3)];
    await context.andAfterReopen(engine, async (opened) => {
      await assertLog(opened, expected);
      await assertHardState(opened, { currentTerm: 3, votedFor: 'b' });
    });
  }),

  define('B22b-write-refused-whole', 'write() is refused whole if any part of it is', async (context) => {
    const entries = createTestEntries(1, 10, 3);
    const engine = await openWith(context, entries);
    const hardState = { currentTerm: 3, votedFor: 'a' };
    await engine.metaStore.saveHardState(hardState);
    const better = { currentTerm: 9, votedFor: 'b' };
    const refused: RefusedCall[] = [
      {
        what: 'a gap beside a good hard state',
        code: 'NON_CONTIGUOUS',
        call: (opened) => opened.write({ hardState: better, entries: [createTestEntry(12, 9)] }),
      },
      {
        what: 'a falling term beside a good hard state and truncation',
        code: 'TERM_REGRESSION',
        call: (opened) => opened.write({ hardState: better, truncateFrom: 5, entries: [createTestEntry(5, 2)] }),
      },
      {
        what: 'a changed vote beside good entries',
        code: 'VOTE_CONFLICT',
        call: (opened) =>
          opened.write({ hardState: { currentTerm: 3, votedFor: 'b' }, entries: [createTestEntry(11, 3)] }),
      },
      {
        what: 'a lower term beside a good truncation',
        code: 'TERM_REGRESSION',
        call: (opened) => opened.write({ hardState: { currentTerm: 2, votedFor: undefined }, truncateFrom: 4 }),
      },
    ];
    const reopened = await expectRefused(context, engine, refused, entries);
    await assertHardState(reopened, hardState);
  }),
];

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size > 0);
}
