import assert from 'node:assert/strict';
import { isStorageError } from '../../errors.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { assertSameEntry, rejectsWith } from '../assertions.ts';
import type { BuildOptions } from '../builder.ts';
import type { CaseContext, ConformanceCase, ConformanceSubject } from '../case.ts';
import { createTestEntries, createTestEntry } from '../entries.ts';
import type { FaultCode, FileOperation } from '../lossy-file-io/injected-faults.ts';
import type { LossyFileIo } from '../lossy-file-io/lossy-file-io.ts';
import { applyToEngine, createModel, type LogOperation, observe } from '../model.ts';
import { createRandom } from '../random.ts';
import { CrashHistory } from './crash-history.ts';
import { randomOperations } from './crash-workload.ts';
import { defineCases } from './define-cases.ts';
import { abandon, isBuffered, recoverTwice, simulatedDisk, withoutFileIo } from './power-cut-explorer.ts';

const faults = defineCases('faults');
const onDisk = { inapplicable: withoutFileIo, timeoutMs: 120_000 };
const build: BuildOptions = { small: true };
const written: readonly FileOperation[] = ['write', 'datasync', 'truncate', 'rename', 'remove'];

interface Prepared {
  readonly disk: LossyFileIo;
  readonly engine: StorageEngine;
  readonly history: CrashHistory;
}

/** Failing calls on a simulated disk, one at a time or for good. */
export const ioFaultCases: readonly ConformanceCase[] = [
  faults(
    'H61-write-fails',
    'a write that fails is rejected and poisons the whole engine; what is durable can still be read, and close frees everything',
    async (context) => {
      for (const code of ['ENOSPC', 'EIO', 'EROFS'] as const) {
        for (const operation of failingWrites) {
          const prepared = await prepare(context);
          prepared.disk.failAt(1, code, { operations: ['write', 'truncate'], forever: true });
          const rejected = await callDurably(prepared, operation);
          assert.equal(rejected, 'STORE_FAILED', `${operation.type} on a disk that answers every write with ${code}`);
          await checkPoisoned(prepared, code);
          await checkReopens(context, prepared, `${operation.type} failed with ${code}`);
        }
      }
    },
    onDisk,
  ),
  faults(
    'H61a-background-failure',
    'a failure of work that no call waits for, such as giving space back, does not poison the engine',
    async (context) => {
      const prepared = await prepare(context);
      const { disk, engine, history } = prepared;
      disk.failAt(1, 'EIO', { operations: ['remove'], forever: true });
      assert.equal(
        await history.call(engine, { type: 'purge', through: { index: 18, term: 1 } }),
        undefined,
        'the purge',
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      await checkGoesOn(prepared, 'removing files fails');
      disk.healAll();

      await checkReopens(context, prepared, 'removing files failed');
    },
    onDisk,
  ),
  faults(
    'H61a-failure-behind-a-success',
    'where a call fails while an append is under way that succeeds all the same, the engine goes on: it was work in the background',
    async (context) => {
      let failed = true;
      for (let number = 1; failed; number++) failed = await failBehindAppends(context, number);
    },
    onDisk,
  ),
  faults(
    'H61a-snapshot-failure',
    'a snapshot that can’t be saved, at whichever call, is rejected and leaves nothing; the engine goes on',
    async (context) => {
      for (const operation of ['open', 'write', 'datasync', 'rename', 'syncDirectory'] as const) {
        const prepared = await prepare(context);
        const { disk, engine } = prepared;
        // Nothing of the log is written meanwhile, so that every call is one of the snapshot.
        disk.failAt(1, operation === 'write' ? 'ENOSPC' : 'EIO', { operations: [operation], forever: true });
        const before = disk.calls;
        const saved = engine.snapshotStore.save({ lastIncluded: { index: 18, term: 1 } }, oneChunk());
        const what = `saving a snapshot when ${operation} fails`;
        await saved.catch(() => undefined);
        const tried = disk.trace.slice(before).some((call) => call.operation === operation);
        // An engine that keeps its snapshots elsewhere need not make this call.
        if (tried) await rejectsWith(['STORE_FAILED', 'NO_SPACE'], saved, what);
        else await saved;
        disk.healAll();
        await checkGoesOn(prepared, `${what} was rejected`);
        assert.equal((await engine.snapshotStore.list()).length, tried ? 0 : 1, `list() after ${what}`);
        await checkReopens(context, prepared, what);
      }
    },
    onDisk,
  ),
  faults(
    'H61b-witness-failure',
    'a witness that can’t be written does not poison the engine',
    async (context) => {
      const prepared = await prepare(context);
      const names = context.builder.files?.witness ?? [];
      for (const name of names) prepared.disk.failAt(1, 'EIO', { path: baseName(name), forever: true });
      await checkGoesOn(prepared, 'every call on the witness fails');
      await new Promise((resolve) => setTimeout(resolve, 1200));
      await checkGoesOn(prepared, 'the witness was due and failed');
      await prepared.engine.close();
      prepared.disk.healAll();
      await checkReopens(context, prepared, 'the witness failed');
    },
    {
      ...onDisk,
      inapplicable: (subject: ConformanceSubject) =>
        withoutFileIo(subject) ?? (subject.builder.files?.witness === undefined ? 'names no witness files' : undefined),
    },
  ),
  faults(
    'H62-datasync-fails',
    'a write whose sync fails is never acknowledged and its sync never tried again; the engine is poisoned',
    async (context) => {
      for (const operation of failingWrites) await failSync(context, operation);
    },
    onDisk,
  ),
  faults(
    'G59a-served-is-on-disk',
    'what is served after a failed sync and a reopen is on the disk, not only in the page cache',
    async (context) => {
      for (const operation of failingWrites) {
        for (let number = 1; number <= 3; number++) {
          const prepared = await prepare(context);
          prepared.disk.failAt(number, 'EIO', { operations: ['datasync'] });
          await callDurably(prepared, operation);
          await checkReopens(context, prepared, `sync ${number} of ${operation.type} failed`);
        }
      }
    },
    onDisk,
  ),
  faults(
    'H63-every-call-fails',
    'whichever call of a workload with rotation and purge fails: nothing is acknowledged that isn’t there, and the place opens again',
    async (context) => {
      let failed = true;
      for (let number = 1; failed; number++) failed = await failCall(context, number);
    },
    onDisk,
  ),
];

const failingWrites: readonly LogOperation[] = [
  { type: 'append', entries: createTestEntries(25, 28, 1, { bytes: 80 }) },
  { type: 'hardState', state: { currentTerm: 7, votedFor: 'node-3' } },
  { type: 'replace', fromIndex: 20, entries: createTestEntries(20, 22, 2, { bytes: 80 }) },
  { type: 'truncate', fromIndex: 15 },
  { type: 'purge', through: { index: 10, term: 1 } },
  { type: 'reset', boundary: { index: 50, term: 3 } },
];

/** An open engine with a vote and 24 entries. */
async function prepare(context: CaseContext): Promise<Prepared> {
  const disk = simulatedDisk(context);
  const engine = await context.builder.build({ ...build, fileIo: disk });
  context.onEnd(() => abandon(engine));
  const history = new CrashHistory(undefined, { buffered: isBuffered(context) });
  const operations: LogOperation[] = [{ type: 'hardState', state: { currentTerm: 1, votedFor: 'node-1' } }];
  for (let first = 1; first <= 24; first += 4) {
    operations.push({ type: 'append', entries: createTestEntries(first, first + 3, 1, { bytes: 120 }) });
  }
  for (const operation of operations) assert.equal(await history.call(engine, operation), undefined, operation.type);
  await history.call(engine, { type: 'flush' });
  return { disk, engine, history };
}

/** Makes the call and, where that alone does not make it durable, flushes; resolves to the code of the refusal, if there was one. */
async function callDurably({ engine, history }: Prepared, operation: LogOperation): Promise<string | undefined> {
  return (await history.call(engine, operation)) ?? (await history.call(engine, { type: 'flush' }));
}

async function checkPoisoned({ engine }: Prepared, code: FaultCode | undefined): Promise<void> {
  assert.equal(engine.failure.aborted, true, '`failure` has fired');
  const { reason } = engine.failure as { reason: unknown };
  assert.ok(isStorageError(reason, 'STORE_FAILED'), 'the reason of `failure` is STORE_FAILED');
  if (code === 'ENOSPC')
    assert.ok(isStorageError(reason.cause, 'NO_SPACE'), 'the cause is NO_SPACE where the device is full');
  else assert.notEqual(reason.cause, undefined, 'the error has a cause');
  const { logStore, metaStore } = engine;
  const { lastIndex } = logStore;
  const next = createTestEntry(lastIndex + 1, 9);
  const state = { currentTerm: 9, votedFor: 'node-9' };
  const through = { index: lastIndex + 1, term: 9 };
  await rejectsWith('STORE_FAILED', logStore.persistEntries([next]), 'persistEntries after a failure');
  await rejectsWith('STORE_FAILED', metaStore.saveHardState(state), 'saveHardState after a failure');
  await rejectsWith('STORE_FAILED', logStore.truncate(lastIndex), 'truncate after a failure');
  await rejectsWith('STORE_FAILED', logStore.purge(through), 'purge after a failure');
  await rejectsWith('STORE_FAILED', logStore.replaceRange(lastIndex + 1, [next]), 'replaceRange after a failure');
  await rejectsWith('STORE_FAILED', logStore.reset(), 'reset after a failure');
  await rejectsWith('STORE_FAILED', engine.write({ entries: [next] }), 'write after a failure');
  await rejectsWith('STORE_FAILED', logStore.flush(), 'flush after a failure');
  await rejectsWith('STORE_FAILED', metaStore.flush(), 'flush of the hard state after a failure');
  assert.equal(logStore.lastIndex, lastIndex, 'lastIndex keeps its value');
  await checkReads(engine);
}

async function checkReads({ logStore }: StorageEngine): Promise<void> {
  const { firstIndex, lastIndex, durableIndex } = logStore;
  if (durableIndex >= firstIndex) {
    assertSameEntry(
      await logStore.entry(durableIndex),
      createTestEntry(durableIndex, 1, { bytes: 120 }),
      'the last durable entry',
    );
    const readable = await logStore.getEntries(firstIndex, durableIndex);
    assert.equal(readable.length, durableIndex - firstIndex + 1, 'entries up to durableIndex that can be read');
  }
  const lost = Math.max(firstIndex, durableIndex + 1);
  if (lost <= lastIndex) {
    await rejectsWith('STORE_FAILED', logStore.getEntries(lost, lastIndex), 'a read above durableIndex');
  }
}

async function checkGoesOn({ engine, history }: Prepared, what: string): Promise<void> {
  const next = createTestEntry(engine.logStore.lastIndex + 1, 1, { bytes: 60 });
  assert.equal(
    await history.call(engine, { type: 'append', entries: [next] }),
    undefined,
    `an append although ${what}`,
  );
  assert.equal(engine.failure.aborted, false, `the engine is poisoned although only ${what}`);
}

/** Closes the engine, opens the place again on the same page cache (its lock must be free), and judges; then after power cuts. */
async function checkReopens(context: CaseContext, { disk, engine, history }: Prepared, where: string): Promise<void> {
  const random = createRandom(context.seed + disk.calls);
  const before = disk.calls;
  const poisoned = engine.failure.aborted;
  // Only that everything is freed counts; whether a poisoned engine says so again is left to it.
  await engine.close().catch((error: unknown) => {
    if (!poisoned) throw error;
  });
  if (poisoned) {
    const late = disk.trace.slice(before).filter(({ operation }) => written.includes(operation));
    assert.deepEqual(late, [], `close() of a poisoned engine writes nothing (${where})`);
  }
  const moment = history.moment();
  const outcomes = [...disk.powerCutStates({ limit: 4, seed: context.seed }).states];
  disk.healAll();
  const shared = { history, moment, buildOptions: build, random, cutRecovery: false };
  for (const { name, fileIo } of outcomes)
    await recoverTwice(context, { ...shared, disk: fileIo, where: `${where}; power cut, ${name}` });
  await recoverTwice(context, { ...shared, disk: disk.clone(), where: `${where}; reopened`, goesOn: false });
  await recoverTwice(context, { ...shared, disk, where: `${where}; reopened` });
}

/** Fails each sync in turn until one is reported: the first ones may belong to work in the background. */
async function failSync(context: CaseContext, operation: LogOperation): Promise<void> {
  for (let number = 1; number <= 6; number++) {
    const prepared = await prepare(context);
    const { disk } = prepared;
    disk.failAt(number, 'EIO', { operations: ['datasync'] });
    const rejected = await callDurably(prepared, operation);
    const where = `sync ${number} of ${operation.type} failed`;
    if (rejected !== undefined) {
      const before = disk.calls;
      assert.equal(rejected, 'STORE_FAILED', where);
      await checkPoisoned(prepared, 'EIO');
      const late = disk.trace.slice(before).filter((call) => written.includes(call.operation));
      assert.deepEqual(late, [], `nothing is written after the ${where}`);
    }
    await checkReopens(context, prepared, where);
    if (rejected !== undefined) return;
  }
  assert.fail(`no failed sync of ${operation.type} was ever reported`);
}

/**
 * Appends until files are full, with this call failing: seals of what is full, files that are made ahead, a witness are not worth an append. Resolves to
 * false if there are fewer calls.
 */
async function failBehindAppends(context: CaseContext, number: number): Promise<boolean> {
  const prepared = await prepare(context);
  const { disk, engine, history } = prepared;
  const last = disk.calls + number;
  disk.failAt(number, 'EIO');
  let failedBefore = false;
  for (let round = 0; round < 8; round++) {
    const first = engine.logStore.lastIndex + 1;
    const entries = createTestEntries(first, first + 3, 1, { bytes: 5000 });
    const code = await history.call(engine, { type: 'append', entries });
    const failed = disk.trace[last - 1];
    const where = `call ${last} (${failed?.operation} ${failed?.path}) failed`;
    if (code !== undefined) {
      assert.ok(!failedBefore, `an append was refused, although ${where} behind an earlier one that succeeded`);
      assert.equal(code, 'STORE_FAILED', `what an append is refused with when ${where}`);
      await engine.close().catch(() => undefined);
      return true;
    }
    failedBefore = failed !== undefined;
  }
  if (failedBefore) await checkGoesOn(prepared, 'a call behind an append that succeeded has failed');
  // Further calls may only come with the close, which may tell of a failure.
  disk.healAll();
  await engine.close();
  return failedBefore;
}

/** One run in which this call fails. Resolves to false if the run has fewer calls. */
async function failCall(context: CaseContext, number: number): Promise<boolean> {
  const random = createRandom(context.seed + number);
  const code = random.pick(['EIO', 'ENOSPC', 'EROFS', 'EACCES'] as const);
  const disk = simulatedDisk(context);
  disk.failAt(number, code, random.pick([{}, { lands: 'none' }, { lands: 'whole' }] as const));
  const history = new CrashHistory(undefined, { buffered: isBuffered(context) });
  const failedCall = (): string => {
    const call = disk.trace[number - 1];
    return `call ${number} (${call?.operation} ${call?.path}) failed with ${code}`;
  };
  let engine: StorageEngine | undefined;
  try {
    engine = await context.builder.build({ ...build, fileIo: disk });
  } catch (error) {
    assert.ok(isStorageError(error), `the open rejected with no StorageError when ${failedCall()}: ${error}`);
  }
  if (engine !== undefined) {
    try {
      await work(engine, history, context.seed);
    } catch (error) {
      throw new Error(`${failedCall()}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
    await engine.close().catch((error: unknown) => {
      assert.ok(isStorageError(error), `close rejected with no StorageError when ${failedCall()}: ${error}`);
    });
  }
  if (disk.calls < number) return false;
  const moment = history.moment();
  const shared = { history, moment, buildOptions: build, random, cutRecovery: false };
  const cuts = disk.powerCutStates({ limit: 2, seed: number });
  disk.healAll();
  for (const { name, fileIo } of cuts.states) {
    await recoverTwice(context, { ...shared, disk: fileIo, where: `${failedCall()}; then a power cut, ${name}` });
  }
  await recoverTwice(context, { ...shared, disk, where: `${failedCall()}; reopened` });
  return true;
}

async function work(engine: StorageEngine, history: CrashHistory, seed: number): Promise<void> {
  for (const operation of randomOperations(createModel(), 30, createRandom(seed + 7), { maxBytes: 4000 })) {
    const code = await history.call(engine, operation);
    if (code === undefined) continue;
    assert.equal(code, 'STORE_FAILED', `${operation.type} was refused`);
    assert.equal(engine.failure.aborted, true, `\`failure\` has fired after ${operation.type} was rejected`);
    const next = {
      type: 'append',
      entries: [createTestEntry(engine.logStore.lastIndex + 1, Number.MAX_SAFE_INTEGER)],
    } as const;
    assert.equal(await applyToEngine(engine, next), 'STORE_FAILED', 'an append after a failure');
    return;
  }
  // A read that fails harms nothing but itself.
  await observe(engine).catch((error: unknown) => assert.ok(isStorageError(error), `a read rejected with ${error}`));
}

async function* oneChunk(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1000);
}

function baseName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
