// A child process: writes to an engine until its disk fails, then looks how the engine bears it.
import { subscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStorageError, type StorageEngine } from '@raftlog/core';
import {
  applyToEngine,
  type BuildOptions,
  CrashHistory,
  createRandom,
  createTestEntries,
  type OpenInChild,
  tellParent,
} from '@raftlog/core/conformance';
import { type DiskFault, nextOperation } from '../faults/disk-fault.ts';
import { mark } from '../syncs/mark.ts';

/** What the parent tells, as JSON in the one argument. */
export interface FailingRunTask {
  readonly module: string;
  readonly place: string;
  readonly build: Omit<BuildOptions, 'fileIo'>;
  readonly seed: number;
  readonly fault: DiskFault;
  /** Operations after which the child gives up: the fault was not noticed. */
  readonly operations: number;
}

// What fails in the background and costs no data doesn't reject, but it is reported.
subscribe('raftlog:background-failure', () => mark('reported'));

await runUntilFailure(JSON.parse(process.argv[2] ?? '{}') as FailingRunTask);

async function runUntilFailure(task: FailingRunTask): Promise<void> {
  const { open } = (await import(task.module)) as { open: OpenInChild };
  let engine: StorageEngine;
  try {
    engine = await open(task.place, task.build);
  } catch (error) {
    tellParent(`refused ${codesOf(error)}`);
    return;
  }
  mark('resolved open');
  tellParent('opened');
  const rejected = await makeCalls(engine, task);
  if (rejected) await lookAtThePoisoned(engine);
  await engine.close().then(
    () => tellParent('closed'),
    (error: unknown) => tellParent(`close ${codesOf(error)}`),
  );
}

async function makeCalls(engine: StorageEngine, task: FailingRunTask): Promise<boolean> {
  const history = new CrashHistory();
  const random = createRandom(task.seed);
  for (let number = 1; number <= task.operations; number++) {
    const operation = nextOperation(task.fault, history.current, random);
    history.issue(operation);
    tellParent(`i ${number}`);
    mark(`begin ${number}`);
    const code = await applyToEngine(engine, operation);
    mark(`${code === undefined ? 'resolved' : 'rejected'} ${operation.type} ${number}`);
    if (code !== undefined) {
      tellParent(`rejected ${operation.type} ${code}`);
      return true;
    }
    tellParent(`a ${number}`);
  }
  return false;
}

async function lookAtThePoisoned(engine: StorageEngine): Promise<void> {
  // A call that had started in another thread comes to its end.
  await sleep(30);
  mark('poisoned');
  const { logStore: log, metaStore: meta } = engine;
  tellParent(`failure ${engine.failure.aborted ? codesOf(engine.failure.reason) : 'none'}`);
  const term = (log.lastLogId?.term ?? 0) + 1000;
  const next = createTestEntries(log.lastIndex + 1, log.lastIndex + 1, term);
  const later: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['persistEntries', () => log.persistEntries(next)],
    ['saveHardState', () => meta.saveHardState({ currentTerm: term, votedFor: undefined })],
    ['write', () => engine.write({ entries: next })],
    ['flush', () => log.flush()],
  ];
  for (const [name, call] of later) {
    const outcome = await call().then(() => 'resolved', codesOf);
    tellParent(`later ${name} ${outcome}`);
  }
  if (log.durableIndex < log.firstIndex) return;
  const outcome = await log.getEntries(log.firstIndex, log.durableIndex, { exact: true }).then(() => 'ok', codesOf);
  tellParent(`read ${outcome}`);
}

/** The code of a `StorageError` and those of its causes: `STORE_FAILED/NO_SPACE`. Anything else that is thrown as it is. */
function codesOf(error: unknown): string {
  const codes: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) codes.push(isStorageError(at) ? at.code : at.name);
  return codes.join('/');
}
