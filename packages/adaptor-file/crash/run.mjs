// `pnpm --filter @raftlog/adaptor-file crash --kills 500 [--seed 1]`
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killCampaignMain } from '@raftlog/core/conformance';
import { open } from './open.mjs';

const root = await mkdtemp(join(tmpdir(), 'raftlog-crash-'));
const directory = join(root, 'store');

const makeBuilder = () => ({
  directory,
  build: (options = {}) => open(directory, options),
  cleanup: () => rm(directory, { recursive: true, force: true }),
  child: { module: new URL('./open.mjs', import.meta.url), place: directory },
  offersBuffered: true,
});

process.exitCode = await killCampaignMain(makeBuilder, process.argv.slice(2));
if (process.exitCode === 1) process.stderr.write(`What was found is in ${directory}\n`);
else await rm(root, { recursive: true, force: true });
