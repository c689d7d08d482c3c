// A child process: whenever it is asked, it opens the place and tells what it finds. A native crash takes it away and nothing else.
import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenInChild } from '@raftlog/core/conformance';
import { judgeDamaged } from '../damage/damage-verdict.ts';
import { makeSpecimen } from '../damage/specimen.ts';
import type { SpecimenTask } from './specimen-writer.ts';

const { module, place, build, seed, isTiny } = JSON.parse(process.argv[2] ?? '{}') as SpecimenTask;
const { open } = (await import(module)) as { open: OpenInChild };
const specimen = makeSpecimen(seed, isTiny);

process.on('message', async () => {
  const verdict = await judgeDamaged(() => open(place, build), specimen);
  // Whoever dies of the damage right after the verdict is to die of this one: the next may be a harmless one. By the clock of this process, however busy the machine.
  await sleep(4);
  process.send?.(verdict);
});
