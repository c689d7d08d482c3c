import { spawnSync } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isStorageError } from '@raftlog/adaptor-sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { entries, rejection } from './support/entries.ts';
import { Place } from './support/place.ts';
import { watchWorkers } from './support/workers.ts';

test('a thread that ends under a commit poisons the engine, and what was acknowledged is there', async () => {
  const workers = watchWorkers();
  const place = new Place();
  const engine = await place.open({ cacheBytes: 0 });
  const log = engine.logStore;
  await log.persistEntries(entries(1, 10));
  const pending = [log.persistEntries(entries(11, 11, 8 * 1024 * 1024)), log.persistEntries(entries(12, 12))];
  const reading = log.getEntries(1, 10);
  // The commit is on its way to the thread by then.
  await setImmediate();
  const ended = workers[0]?.terminate();
  for (const call of pending) await rejection('STORE_FAILED', call);
  await ended;
  expect(engine.failure.aborted).toBe(true);
  expect(isStorageError(engine.failure.reason, 'STORE_FAILED')).toBe(true);
  await reading.catch((error: unknown) => expect(isStorageError(error, 'STORE_FAILED')).toBe(true));
  await rejection('STORE_FAILED', log.persistEntries(entries(13, 13)));
  await rejection('STORE_FAILED', engine.metaStore.saveHardState({ currentTerm: 2, votedFor: undefined }));
  await engine.close();

  const again = await place.open();
  expect(again.logStore.lastIndex).toBeGreaterThanOrEqual(10);
  const found = await again.logStore.getEntries(1, 10);
  expect(found.map(({ data }) => Buffer.from(data).toString())).toEqual(
    entries(1, 10).map(({ data }) => Buffer.from(data).toString()),
  );
  await again.close();
});

test('a thread that ends while nothing is under way is reported, and fails the next call', async () => {
  const failures = backgroundFailures();
  const workers = watchWorkers();
  const place = new Place();
  const engine = await place.open({ cacheBytes: 0 });
  await engine.logStore.persistEntries(entries(1, 10));
  await workers[0]?.terminate();
  expect(failures).toEqual([expect.objectContaining({ operation: 'run the store' })]);
  await rejection('STORE_FAILED', engine.logStore.getEntries(1, 10));
  expect(engine.failure.aborted).toBe(false);
  await rejection('STORE_FAILED', engine.logStore.persistEntries(entries(11, 11)));
  expect(engine.failure.aborted).toBe(true);
  await engine.close();
  const again = await place.open();
  expect(again.logStore.lastIndex).toBe(10);
  await again.close();
});

test('closing ends the thread, and so does an open that is refused', async () => {
  const workers = watchWorkers();
  const place = new Place();
  const engine = await place.open();
  expect(workers[0]?.threadId).toBeGreaterThan(0);
  await engine.close();
  expect(workers[0]?.threadId).toBe(-1);
  const other = new Place();
  await rejection('INVALID_ARGUMENT', other.open({ pageBytes: 1 }));
  await place.writeAndKill(1, 1, { pageBytes: 512 });
  place.damageDatabase();
  await rejection('CORRUPTION', place.open());
  expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
});

test('an engine that is left open does not keep the process alive', () => {
  const place = new Place();
  const script = fileURLToPath(new URL('./support/leave-open.mjs', import.meta.url));
  const { status, stdout, signal } = spawnSync(process.execPath, [script, place.directory], { timeout: 30_000 });
  expect({ status, signal, stdout: stdout.toString() }).toEqual({ status: 0, signal: null, stdout: '1\n' });
});

test('the event loop turns while the database is busy', async () => {
  const place = new Place();
  const engine = await place.open();
  let isDone = false;
  let turns = 0;
  const writing = engine.logStore.persistEntries(entries(1, 1, 32 * 1024 * 1024)).then(() => {
    isDone = true;
  });
  while (!isDone) {
    await setImmediate();
    turns++;
  }
  await writing;
  // A driver that blocks leaves one or two.
  expect(turns).toBeGreaterThan(100);
  await engine.close();
});

/** What is reported of failures that nobody waits for, until the test ends. */
function backgroundFailures(): unknown[] {
  const failures: unknown[] = [];
  const note = (event: unknown): unknown => failures.push(event);
  diagnostics.subscribe('raftlog:background-failure', note);
  onTestFinished(() => void diagnostics.unsubscribe('raftlog:background-failure', note));
  return failures;
}
