// Runs under strace: makes every durable call of an engine, alone, between two marks.
import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageEngine } from '@raftlog/core';
import { type BuildOptions, createTestEntries, type OpenInChild } from '@raftlog/core/conformance';
import { mark } from '../syncs/mark.ts';
import type { TracedOperation } from '../syncs/traced-operations.ts';

/** What the parent tells, as JSON in the one argument. */
export interface DurableCallsTask {
  readonly module: string;
  readonly place: string;
  readonly build: Omit<BuildOptions, 'fileIo'>;
}

await makeCalls(JSON.parse(process.argv[2] ?? '{}') as DurableCallsTask);

async function makeCalls({ module, place, build }: DurableCallsTask): Promise<void> {
  const { open } = (await import(module)) as { open: OpenInChild };
  const engine = await between('open', () => open(place, build));
  const { logStore: log, metaStore: meta, snapshotStore: snapshots } = engine;
  // What happens only once, such as a first file, is not what is measured.
  await engine.write({ hardState: { currentTerm: 1, votedFor: undefined }, entries: createTestEntries(1, 20, 1) });
  await log.persistEntries(createTestEntries(21, 40, 1));
  await log.flush();

  const call = async (operation: TracedOperation, make: () => Promise<unknown>): Promise<void> => {
    await settle(engine);
    await between(operation, make);
  };
  await settle(engine);
  // Without a pause between them: what a buffered append leaves to be synced is what the flush after it has to sync.
  await between('persistEntries', () => log.persistEntries(createTestEntries(41, 43, 1)));
  await between('flush', () => log.flush());
  await call('saveHardState', () => meta.saveHardState({ currentTerm: 2, votedFor: 'node-1' }));
  const hardState = { currentTerm: 3, votedFor: 'node-2' };
  await call('write', () => engine.write({ hardState, truncateFrom: 43, entries: createTestEntries(43, 45, 3) }));
  await call('replaceRange', () => log.replaceRange(42, createTestEntries(42, 46, 3)));
  await call('truncate', () => log.truncate(35));
  await call('purge', () => log.purge({ index: 12, term: 1 }));
  await call('read', () => readEverything(engine));
  await call('saveSnapshot', () => snapshots.save({ lastIncluded: { index: 12, term: 1 } }, content()));
  await call('reset', () => log.reset({ index: 100, term: 3 }));
  await settle(engine);
  await between('close', () => engine.close());
  const reopened = await between('reopen', () => open(place, build));
  await reopened.close();
}

async function between<T>(operation: TracedOperation, make: () => Promise<T>): Promise<T> {
  mark(`begin ${operation}`);
  const result = await make();
  mark(`end ${operation}`);
  return result;
}

/** Until what goes on behind a call, such as the removal of what was purged, is over. */
async function settle(engine: StorageEngine): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await sleep(15);
    await engine.logStore.flush();
  }
}

async function readEverything(engine: StorageEngine): Promise<void> {
  const { logStore: log, metaStore: meta, snapshotStore: snapshots } = engine;
  await log.getEntries(log.firstIndex, log.lastIndex);
  await log.entry(log.lastIndex);
  await log.termAt(log.firstIndex);
  for await (const entry of log.entries()) await log.termAt(entry.index);
  await meta.loadHardState();
  await snapshots.list();
}

async function* content(): AsyncGenerator<Uint8Array> {
  for (let chunk = 0; chunk < 4; chunk++) yield new Uint8Array(1000).fill(chunk);
}
