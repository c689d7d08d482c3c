import { setTimeout as sleep } from 'node:timers/promises';
import type { StorageEngine } from '../../storage-engine.ts';
import type { BuildOptions, OpenInChild } from '../builder.ts';
import { applyToEngine, cloneModel, observe } from '../model.ts';
import { createRandom } from '../random.ts';
import { tellParent } from '../tell-parent.ts';
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

// Both know the seed and what was found in the place, hence the operations; only how far it got is told: a line before each operation and
// after each acknowledgement.
await run(JSON.parse(process.argv[2] ?? '{}') as KillTask);

async function run({ module, place, seed, build, callers, firstSnapshot }: KillTask): Promise<void> {
  const { open } = (await import(module)) as { open: OpenInChild };
  const engine = await open(place, build);
  const found = cloneModel(await observe(engine));
  const history = new CrashHistory(found);
  const random = createRandom(seed);
  tellParent('open');
  const call = async (): Promise<void> => {
    for (;;) {
      const operation = randomOperation(history.current, random);
      const number = history.issue(operation);
      tellParent(`i ${number}`);
      const code = await applyToEngine(engine, operation);
      if (code !== undefined) {
        tellParent(`e ${number} ${operation.type} was refused with ${code}`);
        return;
      }
      tellParent(`a ${number}`);
    }
  };
  await Promise.all([...Array.from({ length: callers }, call), saveSnapshots(engine, firstSnapshot)]);
}

async function saveSnapshots(engine: StorageEngine, first: number): Promise<void> {
  for (let number = first; ; number++) {
    tellParent(`s ${number}`);
    await saveSnapshot(engine, number, killedSnapshotBytes(number));
    tellParent(`t ${number}`);
    // The log is what the disk is for.
    await sleep(10);
  }
}
