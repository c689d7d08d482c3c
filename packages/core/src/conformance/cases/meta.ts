import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { type HardState, MAX_TERM } from '../../entry.ts';
import { assertHardState, assertLog, rejectsWith } from '../assertions.ts';
import type { CaseContext, ConformanceCase, ConformanceSubject } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import { awaitedLater } from './awaited-later.ts';
import { defineCases, unlessVolatile } from './define-cases.ts';

const define = defineCases('meta');

/** F 47–50: term and vote. */
export const metaCases: readonly ConformanceCase[] = [
  define('F47-round-trip', 'term and vote come back, with and without a vote, at every length', async (context) => {
    const states: HardState[] = [
      { currentTerm: 0, votedFor: undefined },
      { currentTerm: 1, votedFor: undefined },
      { currentTerm: 1, votedFor: 'node-1' },
      { currentTerm: 2, votedFor: 'n' },
      { currentTerm: 3, votedFor: 'x'.repeat(1024) },
      { currentTerm: 4, votedFor: 'Knoten-Ä-節點-🗳' },
      { currentTerm: 5, votedFor: 'é'.repeat(512) },
      { currentTerm: 6, votedFor: undefined },
      { currentTerm: 2 ** 32, votedFor: 'undefined' },
      { currentTerm: 2 ** 32 + 1, votedFor: 'null\0\n"' },
      { currentTerm: MAX_TERM, votedFor: 'last' },
    ];
    let engine = await context.open();
    for (const state of states) {
      await engine.metaStore.saveHardState(state);
      engine = await context.andAfterReopen(engine, (opened) => assertHardState(opened, state));
    }
  }),

  define('F47-same-again', 'saving the accepted hard state again succeeds', async (context) => {
    let engine = await context.open();
    for (const state of [
      { currentTerm: 3, votedFor: undefined },
      { currentTerm: 3, votedFor: 'a' },
    ]) {
      for (let round = 0; round < 3; round++) await engine.metaStore.saveHardState({ ...state });
      engine = await context.andAfterReopen(engine, (opened) => assertHardState(opened, state));
      await engine.metaStore.saveHardState({ ...state });
      engine = await context.andAfterReopen(engine, (opened) => assertHardState(opened, state));
    }
  }),

  define('F47-input-is-copied', 'a hard state may be changed by the caller right after the call', async (context) => {
    const engine = await context.open();
    const mine: { currentTerm: number; votedFor: string | undefined } = { currentTerm: 3, votedFor: 'a' };
    const pending = awaitedLater(engine.metaStore.saveHardState(mine));
    Object.assign(mine, { currentTerm: 1, votedFor: 'b' });
    await assertHardState(engine, { currentTerm: 3, votedFor: 'a' });
    await pending;
    await context.andAfterReopen(engine, (opened) => assertHardState(opened, { currentTerm: 3, votedFor: 'a' }));
  }),

  define(
    'F48-interleaved',
    'hard states and appends in any order, awaited or not, are both complete',
    async (context) => {
      const engine = await context.open();
      const pending: Promise<void>[] = [];
      const start = (call: Promise<void>) => pending.push(awaitedLater(call));
      for (let term = 1; term <= 40; term++) {
        const entries = createTestEntries(term * 2 - 1, term * 2, term);
        start(engine.metaStore.saveHardState({ currentTerm: term, votedFor: undefined }));
        start(engine.logStore.persistEntries(entries));
        if (term % 3 === 0) start(engine.metaStore.saveHardState({ currentTerm: term, votedFor: `node-${term}` }));
        if (term % 7 === 0) await Promise.all(pending.splice(0));
        if (term % 8 === 0) await engine.metaStore.flush();
      }
      await Promise.all(pending);
      const entries = Array.from({ length: 80 }, (_, at) => createTestEntry(at + 1, Math.ceil((at + 1) / 2)));
      await context.andAfterReopen(engine, async (opened) => {
        await assertLog(opened, entries);
        await assertHardState(opened, { currentTerm: 40, votedFor: undefined });
      });
    },
  ),

  define(
    'F48-close-keeps-what-was-accepted',
    'a hard state that was accepted before close() is kept',
    async (context) => {
      const engine = await context.open();
      const pending = awaitedLater(engine.metaStore.saveHardState({ currentTerm: 9, votedFor: 'z' }));
      await engine.close();
      await pending;
      if (context.capabilities.durability === 'volatile') return;
      await assertHardState(await context.open(), { currentTerm: 9, votedFor: 'z' });
    },
  ),

  define(
    'F49-one-copy-damaged',
    'after an acknowledged save either copy may be damaged: the new vote is still there',
    async (context) => {
      const copies = await savedCopies(context);
      for (const copy of copies) {
        const bytes = await readFile(copy);
        const step = Math.max(1, Math.floor(bytes.length / 40));
        for (let offset = 0; offset < bytes.length; offset += step) {
          const damaged = Buffer.from(bytes);
          damaged[offset] = (damaged[offset] ?? 0) ^ 0x41;
          await writeFile(copy, damaged);
          await reopensWith(context, newVote, `byte ${offset} of ${copy} flipped`);
        }
        for (const length of [0, 1, Math.floor(bytes.length / 2), bytes.length - 1]) {
          await writeFile(copy, bytes.subarray(0, length));
          await reopensWith(context, newVote, `${copy} cut to ${length} bytes`);
        }
        await writeFile(copy, Buffer.alloc(bytes.length));
        await reopensWith(context, newVote, `${copy} zeroed`);
      }
    },
    { inapplicable: ifCopies },
  ),

  define(
    'F49-damaged-copy-is-rewritten',
    'an open that found one copy damaged has mended it: the other may be damaged next',
    async (context) => {
      const copies = await savedCopies(context);
      for (let round = 0; round < 4; round++) {
        const copy = copies[round % 2] ?? copies[0];
        await writeFile(copy, Buffer.alloc((await readFile(copy)).length, 0xff));
        await reopensWith(context, newVote, `round ${round}, ${copy} overwritten`);
      }
    },
    { inapplicable: ifCopies },
  ),

  define(
    'F49-both-copies-damaged',
    'with both copies damaged the engine refuses to open: never no vote, never an older one',
    async (context) => {
      const copies = await savedCopies(context);
      const intact = await Promise.all(copies.map((copy) => readFile(copy)));
      for (const damage of [(bytes: Buffer) => Buffer.alloc(bytes.length), () => Buffer.alloc(0), flippedInside]) {
        for (const [at, copy] of copies.entries()) await writeFile(copy, damage(intact[at] ?? Buffer.alloc(0)));
        await rejectsWith('CORRUPTION', context.open(), 'opening with both copies damaged');
        await rejectsWith('CORRUPTION', context.open(), 'opening with both copies damaged a second time');
      }
      for (const [at, copy] of copies.entries()) await writeFile(copy, intact[at] ?? Buffer.alloc(0));
      await reopensWith(context, newVote, 'both copies put back');
    },
    { inapplicable: ifCopies },
  ),

  define(
    'F49-copy-missing',
    'with a copy of the hard state missing the engine refuses to open',
    async (context) => {
      const copies = await savedCopies(context);
      const intact = await Promise.all(copies.map((copy) => readFile(copy)));
      for (const missing of [[0], [1], [0, 1]]) {
        for (const at of missing) await rm(copies[at] ?? copies[0]);
        await rejectsWith('CORRUPTION', context.open(), `opening with copy ${missing.join(' and ')} missing`);
        for (const [at, copy] of copies.entries()) await writeFile(copy, intact[at] ?? Buffer.alloc(0));
      }
      await reopensWith(context, newVote, 'both copies put back');
    },
    { inapplicable: ifCopies },
  ),

  define(
    'F50-falling-term',
    'a term below the accepted one is TERM_REGRESSION and changes nothing',
    async (context) => {
      const accepted = { currentTerm: 5, votedFor: 'a' };
      let engine = await context.open();
      await engine.metaStore.saveHardState(accepted);
      for (let round = 0; round < 2; round++) {
        for (const currentTerm of [4, 1, 0]) {
          const save = engine.metaStore.saveHardState({ currentTerm, votedFor: undefined });
          await rejectsWith('TERM_REGRESSION', save, `term ${currentTerm} after 5`);
        }
        await rejectsWith('TERM_REGRESSION', engine.metaStore.saveHardState({ currentTerm: 4, votedFor: 'a' }));
        engine = await context.andAfterReopen(engine, (opened) => assertHardState(opened, accepted));
      }
    },
  ),

  define('F50-vote-conflict', 'within a term a vote may appear, but not change or vanish', async (context) => {
    let engine = await context.open();
    await engine.metaStore.saveHardState({ currentTerm: 5, votedFor: undefined });
    const accepted = { currentTerm: 5, votedFor: 'a' };
    await engine.metaStore.saveHardState(accepted);
    for (let round = 0; round < 2; round++) {
      for (const votedFor of ['b', 'A', 'aa', undefined]) {
        const save = engine.metaStore.saveHardState({ currentTerm: 5, votedFor });
        const error = await rejectsWith('VOTE_CONFLICT', save, `vote ${votedFor} after "a"`);
        assert.equal(error.details.accepted.votedFor, 'a', 'details.accepted of the error');
      }
      engine = await context.andAfterReopen(engine, (opened) => assertHardState(opened, accepted));
    }
    await engine.metaStore.saveHardState({ currentTerm: 6, votedFor: undefined });
    await engine.metaStore.saveHardState({ currentTerm: 6, votedFor: 'b' });
    await context.andAfterReopen(engine, (opened) => assertHardState(opened, { currentTerm: 6, votedFor: 'b' }));
  }),

  define(
    'F50-pending-counts',
    'a save is checked against the last accepted one, not the last durable one',
    async (context) => {
      const engine = await context.open();
      const save = (currentTerm: number, votedFor: string | undefined) =>
        engine.metaStore.saveHardState({ currentTerm, votedFor });
      const outcomes = await Promise.allSettled([save(5, 'a'), save(5, 'b'), save(4, 'c'), save(6, 'd'), save(5, 'a')]);
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : outcome.reason.code)),
        ['ok', 'VOTE_CONFLICT', 'TERM_REGRESSION', 'ok', 'TERM_REGRESSION'],
      );
      await context.andAfterReopen(engine, (opened) => assertHardState(opened, { currentTerm: 6, votedFor: 'd' }));
    },
  ),

  define('F50-invalid', 'a hard state out of range is INVALID_ARGUMENT and changes nothing', async (context) => {
    const accepted = { currentTerm: 1, votedFor: 'a' };
    const engine = await context.open();
    const vote = engine.metaStore.saveHardState({ currentTerm: 0, votedFor: 'a' });
    await rejectsWith('INVALID_ARGUMENT', vote, 'a vote in term 0');
    await engine.metaStore.saveHardState(accepted);
    for (const currentTerm of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '2' as never]) {
      const save = engine.metaStore.saveHardState({ currentTerm, votedFor: undefined });
      await rejectsWith('INVALID_ARGUMENT', save, `term ${currentTerm}`);
    }
    for (const votedFor of ['', 'x'.repeat(1025), `${'é'.repeat(512)}x`, 7 as never]) {
      const save = engine.metaStore.saveHardState({ currentTerm: 2, votedFor });
      await rejectsWith('INVALID_ARGUMENT', save, `a vote of ${String(votedFor).length} characters`);
    }
    await context.andAfterReopen(engine, (opened) => assertHardState(opened, accepted));
  }),
];

const newVote: HardState = { currentTerm: 8, votedFor: 'node-new' };

function ifCopies(subject: ConformanceSubject): string | undefined {
  if (subject.builder.files?.hardState !== undefined) return undefined;
  return unlessVolatile(subject) ?? 'the builder names no hard-state files';
}

/** Saves an older and then the new vote, and closes. Resolves to the files of the two copies. */
async function savedCopies(context: CaseContext): Promise<readonly [string, string]> {
  const engine = await context.open();
  await engine.metaStore.saveHardState({ currentTerm: 7, votedFor: 'node-old' });
  await engine.logStore.persistEntries(createTestEntries(1, 3, 7));
  await engine.metaStore.saveHardState(newVote);
  await engine.close();
  const copies = context.builder.files?.hardState;
  if (copies === undefined) throw new Error('The case applies only where the builder names the hard-state files.');
  return copies;
}

async function reopensWith(context: CaseContext, expected: HardState, what: string): Promise<void> {
  try {
    const engine = await context.open();
    await assertHardState(engine, expected);
    await assertLog(engine, createTestEntries(1, 3, 7));
    await engine.close();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function flippedInside(bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  const middle = Math.floor(damaged.length / 2);
  damaged[middle] = (damaged[middle] ?? 0) ^ 0x01;
  return damaged;
}
