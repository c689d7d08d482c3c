// `pnpm --filter @raftlog/adaptor-file bench`
import { rm } from 'node:fs/promises';
import { benchmarkMain } from '@raftlog/core/benchmark';
import { open } from './open.mjs';

const makeBuilder = (directory) => ({
  directory,
  build: (options) => open(directory, options),
  cleanup: () => rm(directory, { recursive: true, force: true }),
  child: { module: new URL('./open.mjs', import.meta.url), place: directory },
  offersBuffered: true,
});

process.exitCode = await benchmarkMain(makeBuilder, process.argv.slice(2));
