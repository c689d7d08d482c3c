// `pnpm --filter @raftlog/adaptor-level compare`
import { comparisonMain } from '@raftlog/core/benchmark';
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { open } from '../test/support/open.mjs';
import { openByHand } from './by-hand.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);

process.exitCode = await comparisonMain(
  {
    name: 'LevelDB',
    makeBuilder: (parent) => new DirectoryBuilder({ open, module, parent }),
    openByHand,
    targets: { batch1000: 3, batch1: 1, callers64: 4, cachedRead: 10, reopenedRead: 5 },
  },
  process.argv.slice(2),
);
