// Compiled: plain Node runs the child.
import { runKillCampaign } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { EngineHolder } from '../src/conformance/engine-holder.ts';
import { ReferenceBuilder } from './reference-engine.ts';

const child = { module: new URL('./fixtures/runs-the-suite.mjs', import.meta.url), place: '/nowhere' };
const advice = /the module of `child` must only export `open`/;

test('the suite refuses to start in a process that it started itself, and says why', async () => {
  await expect(EngineHolder.start(child)).rejects.toThrow(advice);
});

test('so does the kill campaign', async () => {
  const builder = Object.assign(new ReferenceBuilder(), { child });
  await expect(runKillCampaign(builder, { kills: 1, seed: 1 })).rejects.toThrow(advice);
});
