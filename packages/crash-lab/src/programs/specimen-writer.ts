// A child process: makes the store that is to be damaged.
import { setTimeout as sleep } from 'node:timers/promises';
import { applyToEngine, type BuildOptions, type OpenInChild } from '@raftlog/core/conformance';
import { makeSpecimen } from '../damage/specimen.ts';

/** What the parent tells, as JSON in the one argument. */
export interface SpecimenTask {
  readonly module: string;
  readonly place: string;
  readonly build: Omit<BuildOptions, 'fileIo'>;
  readonly seed: number;
  readonly isTiny?: boolean;
  /** The process dies instead of closing the store. */
  readonly kill: boolean;
}

await write(JSON.parse(process.argv[2] ?? '{}') as SpecimenTask);

async function write({ module, place, build, seed, isTiny, kill }: SpecimenTask): Promise<void> {
  const { open } = (await import(module)) as { open: OpenInChild };
  const { sessions } = makeSpecimen(seed, isTiny);
  for (const [number, operations] of sessions.entries()) {
    const engine = await open(place, build);
    for (const operation of operations) {
      const code = await applyToEngine(engine, operation);
      if (code !== undefined) throw new Error(`${operation.type} was refused with ${code}`);
    }
    await engine.logStore.flush();
    if (kill && number === sessions.length - 1) {
      // A witness is at most a second behind.
      await sleep(1_500);
      process.kill(process.pid, 'SIGKILL');
    }
    await engine.close();
  }
}
