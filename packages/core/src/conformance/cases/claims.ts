import assert from 'node:assert/strict';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertHardState, assertLog, collect, rejectsWith } from '../assertions.ts';
import type { BuildOptions } from '../builder.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { defineCases, unlessVolatile } from './define-cases.ts';
import { openWith } from './open-with.ts';
import { inChunks, snapshotContent } from './snapshot-content.ts';

const define = defineCases('model');

/** J 74: an engine is what it says it is. The limits that it declares are checked by B16-too-large and B22a-busy, its lock by A4. */
export const claimCases: readonly ConformanceCase[] = [
  define('J74-capabilities', 'capabilities are complete, and the same whenever they are read', async (context) => {
    const engine = await context.open();
    const first = { ...engine.capabilities };
    const { adaptor, durability, exclusive, salvage, maxEntryBytes, maxPendingBytes } = first;
    assert.ok(typeof adaptor === 'string' && adaptor.length > 0, `adaptor is ${String(adaptor)}`);
    assert.ok(['sync', 'buffered', 'volatile'].includes(durability), `durability is ${String(durability)}`);
    assert.equal(typeof exclusive, 'boolean', 'exclusive');
    assert.equal(typeof salvage, 'boolean', 'salvage');
    for (const [name, value] of Object.entries({ maxEntryBytes, maxPendingBytes })) {
      assert.ok(Number.isSafeInteger(value) && value >= 1, `${name} is ${value}`);
    }
    await engine.logStore.persistEntries(createTestEntries(1, 3, 1));
    assert.deepEqual({ ...engine.capabilities }, first, 'capabilities after a write');
    await engine.close();
    assert.deepEqual({ ...engine.capabilities }, first, 'capabilities after close');
    const second = await context.open();
    assert.deepEqual({ ...second.capabilities }, first, 'capabilities of the next engine');
  }),

  define(
    'J74-stores',
    'the stores and the failure signal are the same objects whenever they are asked for',
    async (context) => {
      const engine = await context.open();
      const { logStore, metaStore, snapshotStore, failure } = engine;
      await logStore.persistEntries(createTestEntries(1, 3, 1));
      assert.equal(engine.logStore, logStore, 'logStore');
      assert.equal(engine.metaStore, metaStore, 'metaStore');
      assert.equal(engine.snapshotStore, snapshotStore, 'snapshotStore');
      assert.equal(engine.failure, failure, 'failure');
      assert.ok(failure instanceof AbortSignal && !failure.aborted, 'failure is an AbortSignal that has not fired');
    },
  ),

  define('J74-durability', 'what is written outlives the engine if it says so, and only then', async (context) => {
    const engine = await openWith(context, createTestEntries(1, 5, 2));
    await engine.metaStore.saveHardState({ currentTerm: 2, votedFor: 'a' });
    const { durability } = engine.capabilities;
    await engine.close();
    const reopened = await context.open();
    const kept = durability !== 'volatile';
    await assertLog(reopened, kept ? createTestEntries(1, 5, 2) : []);
    await assertHardState(reopened, kept ? { currentTerm: 2, votedFor: 'a' } : undefined);
  }),

  define(
    'J74-write-durable',
    'isWriteDurable and durableIndex agree with the durability that is declared',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 5, 2));
      const { durability } = engine.capabilities;
      assert.equal(engine.logStore.isWriteDurable, durability === 'sync', `isWriteDurable of a ${durability} engine`);
      if (durability === 'sync') assert.equal(engine.logStore.durableIndex, 5, 'durableIndex after an append');
      await engine.logStore.flush();
      const expected = durability === 'volatile' ? 0 : 5;
      assert.equal(engine.logStore.durableIndex, expected, 'durableIndex after flush()');
    },
  ),

  define(
    'J74-modes',
    'an engine that is opened in a mode that it offers says that it is in it',
    async (context) => {
      const { durability: own } = context.capabilities;
      // Its own it is opened in by default, and `sync` by its name too; nobody says of a buffered engine that it can sync.
      const modes: [BuildOptions, string][] = [[{}, own]];
      if (own === 'sync') modes.push([{ durability: 'sync' }, 'sync']);
      if (context.builder.offersBuffered === true) modes.push([{ durability: 'buffered' }, 'buffered']);
      for (const [options, durability] of modes) {
        const engine = await context.open(options);
        assert.equal(engine.capabilities.durability, durability, `durability of an engine opened as ${durability}`);
        assert.equal(engine.logStore.isWriteDurable, durability === 'sync', `isWriteDurable when ${durability}`);
      }
    },
    { inapplicable: unlessVolatile },
  ),

  define('J74-builder', 'what the builder offers fits the durability that the engine declares', async (context) => {
    const { builder } = context;
    if (context.capabilities.durability !== 'volatile') {
      assert.notEqual(builder.takesFileIo && builder.directory === undefined, true, 'takesFileIo needs a directory');
      return;
    }
    for (const name of ['directory', 'child', 'files', 'offersBuffered', 'takesFileIo'] as const) {
      const offered = builder[name] !== undefined && builder[name] !== false;
      assert.ok(!offered, `the engine says that it is volatile, but the builder has "${name}": one of them is wrong`);
    }
  }),

  define(
    'J74-child-opener',
    'a persistent engine comes with a child opener: without one nothing proves that it survives a kill',
    async ({ builder }) => {
      assert.ok(builder.child !== undefined, 'the builder has no "child": say how another process opens the place');
      assert.equal(builder.child.module.protocol, 'file:', 'child.module is a file: URL');
    },
    { inapplicable: unlessVolatile },
  ),

  define(
    'J74-not-exclusive',
    'an engine that declares no lock does not refuse a second opener',
    async (context) => {
      await openWith(context, createTestEntries(1, 3, 1));
      const second = await context.open({ keepOpen: true });
      await second.logStore.entry(1);
    },
    { inapplicable: ({ capabilities }) => (capabilities.exclusive ? 'the engine takes a lock, see A4' : undefined) },
  ),

  define(
    'J74-salvage',
    'an intact place that is opened for salvage has no damaged ranges, and nothing to repair',
    async (context) => {
      const entries = createTestEntries(1, 10, 1);
      await (await openWith(context, entries)).close();
      const engine = await context.open({ onCorruption: 'salvage' });
      await assertLog(engine, entries);
      assert.deepEqual(engine.logStore.damagedRanges ?? [], [], 'damagedRanges');
      const { logStore } = engine;
      assert.equal(typeof logStore.repair, 'function', 'repair of an engine that declares salvage');
      await rejectsWith(
        'INVALID_ARGUMENT',
        logStore.repair?.([createTestEntry(5, 1)]) ?? Promise.resolve(),
        'repair of a range that is not damaged',
      );
      await assertLog(engine, entries);
    },
    {
      inapplicable: ({ capabilities }) => (capabilities.salvage ? undefined : 'the engine declares no salvage'),
    },
  ),

  define(
    'J74-no-salvage',
    'an engine that declares no salvage has no damaged ranges, and repair is absent or UNSUPPORTED',
    async (context) => {
      const { logStore } = await openWith(context, createTestEntries(1, 10, 1));
      assert.deepEqual(logStore.damagedRanges ?? [], [], 'damagedRanges');
      if (logStore.repair !== undefined) {
        await rejectsWith('UNSUPPORTED', logStore.repair([createTestEntry(5, 1)]), 'repair');
      }
    },
    {
      inapplicable: ({ capabilities }) => (capabilities.salvage ? 'the engine declares salvage' : undefined),
    },
  ),

  define(
    'J74-never-throws',
    'no method throws: wrong calls reject, also with arguments of any kind',
    async (context) => {
      const engine = await openWith(context, createTestEntries(1, 5, 1));
      for (const value of [undefined, null, 'x', {}, [], -1, Symbol('x'), 10n]) {
        for (const [what, call] of wrongCalls(engine, value as never)) {
          const name = `${what} with ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`;
          let promise: Promise<unknown>;
          try {
            promise = call();
          } catch (error) {
            throw new Error(`${name} threw instead of rejecting: ${error}`, { cause: error });
          }
          // Any text may be the id of a snapshot that isn't there.
          const isId = typeof value === 'string' && what.startsWith('snapshot');
          await rejectsWith(isId ? ['INVALID_ARGUMENT', 'NOT_FOUND'] : 'INVALID_ARGUMENT', promise, name);
        }
      }
      assert.deepEqual(await engine.snapshotStore.list(), [], 'list() after saves that were refused');
      await assertLog(engine, createTestEntries(1, 5, 1));
    },
  ),
];

/** Every method with this in place of each of its arguments, wherever it is none that fits. */
function wrongCalls(engine: StorageEngine, wrong: never): [string, () => Promise<unknown>][] {
  const { logStore, metaStore, snapshotStore } = engine;
  const { repair } = logStore;
  const meta = { lastIncluded: { index: 3, term: 1 } };
  const content = (): AsyncIterable<Uint8Array> => inChunks(snapshotContent(10), 5);
  const calls: [string, () => Promise<unknown>][] = [
    ['persistEntries, entry', () => logStore.persistEntries([wrong])],
    ['entry', () => logStore.entry(wrong)],
    ['termAt', () => logStore.termAt(wrong)],
    ['getEntries', () => logStore.getEntries(wrong, wrong)],
    ['purge', () => logStore.purge(wrong)],
    ['truncate', () => logStore.truncate(wrong)],
    ['replaceRange', () => logStore.replaceRange(wrong, wrong)],
    ['saveHardState', () => metaStore.saveHardState(wrong)],
    ['write, entry', () => engine.write({ entries: [wrong] })],
    ['save', () => snapshotStore.save(wrong, content())],
    ['save, lastIncluded', () => snapshotStore.save({ lastIncluded: wrong }, content())],
    ['save, source', () => snapshotStore.save(meta, wrong)],
    ['save, chunk', () => snapshotStore.save(meta, chunksOf(wrong))],
    ['snapshot, open', () => collect(snapshotStore.open(wrong))],
    ['snapshot, remove', () => snapshotStore.remove(wrong)],
    ['retain', () => snapshotStore.retain(wrong)],
  ];
  if (engine.capabilities.salvage && repair !== undefined) {
    calls.push(['repair', () => repair.call(logStore, wrong)], ['repair, entry', () => repair.call(logStore, [wrong])]);
  }
  // Nothing is what each of these takes for its default.
  if (wrong !== undefined) {
    calls.push(
      ['getEntries, maxBytes', () => logStore.getEntries(1, 2, { maxBytes: wrong })],
      ['entries, first', () => collect(logStore.entries({ first: wrong }))],
      ['entries, last', () => collect(logStore.entries({ last: wrong }))],
      ['entries, chunkBytes', () => collect(logStore.entries({}, { chunkBytes: wrong }))],
      ['reset', () => logStore.reset(wrong)],
      ['write, hardState', () => engine.write({ hardState: wrong })],
      ['write, truncateFrom', () => engine.write({ truncateFrom: wrong })],
      ['save, context', () => snapshotStore.save({ ...meta, context: wrong }, content())],
    );
  }
  // An empty list is right here, and any object is a batch or a set of options.
  if (!Array.isArray(wrong)) {
    calls.unshift(['persistEntries', () => logStore.persistEntries(wrong)]);
    if (wrong !== undefined) calls.push(['write, entries', () => engine.write({ entries: wrong })]);
  }
  if (typeof wrong !== 'object' || wrong === null) calls.push(['write', () => engine.write(wrong)]);
  if (wrong === null) {
    calls.push(
      ['getEntries, options', () => logStore.getEntries(1, 2, wrong)],
      ['entries, range', () => collect(logStore.entries(wrong))],
      ['entries, options', () => collect(logStore.entries({}, wrong))],
      ['save, options', () => snapshotStore.save(meta, content(), wrong)],
      ['snapshot, open, options', () => collect(snapshotStore.open('1', wrong))],
    );
  }
  return calls;
}

async function* chunksOf(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
