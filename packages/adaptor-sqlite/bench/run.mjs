// `pnpm --filter @raftlog/adaptor-sqlite bench`
import { benchmarkMain } from '@raftlog/core/benchmark';
import { DirectoryBuilder } from '@raftlog/core/conformance';
import { open } from '../test/support/open.mjs';

const module = new URL('../test/support/open.mjs', import.meta.url);
const makeBuilder = (parent) => new DirectoryBuilder({ open, module, parent, offersBuffered: true });

process.exitCode = await benchmarkMain(makeBuilder, process.argv.slice(2));
