import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageEngine } from '../../storage-engine.ts';
import type { BuildOptions, OpenInChild } from '../builder.ts';
import { applyToEngine, cloneModel, observe } from '../model.ts';
import { createRandom } from '../random.ts';
import { CrashHistory } from './crash-history.ts';
import { randomOperation } from './crash-workload.ts';
import { killedSnapshotBytes, saveSnapshot } from './snapshot-content.ts';

/** What the parent tells the child, as JSON in its one argument. */
export interface KillTask {
  readonly module: string;
  readonly place: string;
  readonly seed: number;
  readonly build: Omit<BuildOptions, 'fileIo'>;
  /** Calls that are under way at once. */
  readonly callers: number;
  /** Number of the first snapshot that the child saves, one after the other. */
  readonly firstSnapshot: number;
}

// Both know the seed and what was found in the place, hence the operations; only how far it got is told. A line is written, with
// a call that returns when the pipe has it, before each operation and after each acknowledgement.
const say = (line: string): void => {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      // The pipe is full, and doesn't block once something has touched process.stdout: Node does, for an engine with a worker thread.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
};

await run(JSON.parse(process.argv[2] ?? '{}') as KillTask);

async function run({ module, place, seed, build, callers, firstSnapshot }: KillTask): Promise<void> {
  const { open } = (await import(module)) as { open: OpenInChild };
  const engine = await open(place, build);
  const found = cloneModel(await observe(engine));
  const history = new CrashHistory(found);
  const random = createRandom(seed);
  say('open');
  const call = async (): Promise<void> => {
    for (;;) {
      const operation = randomOperation(history.current, random);
      const number = history.issue(operation);
      say(`i ${number}`);
      const code = await applyToEngine(engine, operation);
      if (code !== undefined) {
        say(`e ${number} ${operation.type} was refused with ${code}`);
        return;
      }
      say(`a ${number}`);
    }
  };
  await Promise.all([...Array.from({ length: callers }, call), saveSnapshots(engine, firstSnapshot)]);
}

async function saveSnapshots(engine: StorageEngine, first: number): Promise<void> {
  for (let number = first; ; number++) {
    say(`s ${number}`);
    await saveSnapshot(engine, number, killedSnapshotBytes(number));
    say(`t ${number}`);
    // The log is what the disk is for.
    await sleep(10);
  }
}
