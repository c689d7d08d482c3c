// `pnpm --filter @raftlog/adaptor-memory bench`
import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import { benchmarkMain } from '@raftlog/core/benchmark';

const makeBuilder = () => ({
  build: () => MemoryStorageEngine.open({}),
  cleanup: async () => {},
});

process.exitCode = await benchmarkMain(makeBuilder, process.argv.slice(2));
