// `pnpm --filter @raftlog/adaptor-lmdb crash --kills 500 [--seed 1]`
import { DirectoryBuilder, killCampaignMain } from '@raftlog/core/conformance';
import { open } from '../test/support/open.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);
const makeBuilder = (parent) => new DirectoryBuilder({ open, module, parent });

process.exitCode = await killCampaignMain(makeBuilder, process.argv.slice(2));
