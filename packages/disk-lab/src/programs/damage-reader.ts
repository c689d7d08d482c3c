// A child process: whenever it is asked, it opens the place and tells what it finds. A native crash takes it away and nothing else.
import type { OpenInChild } from '@raftlog/core/conformance';
import { judgeDamaged } from '../damage-verdict.ts';
import { makeSpecimen } from '../specimen.ts';
import type { SpecimenTask } from './specimen-writer.ts';

const { module, place, build, seed } = JSON.parse(process.argv[2] ?? '{}') as SpecimenTask;
const { open } = (await import(module)) as { open: OpenInChild };
const specimen = makeSpecimen(seed);

process.on('message', async () => {
  const verdict = await judgeDamaged(() => open(place, build), specimen);
  process.send?.(verdict);
});
