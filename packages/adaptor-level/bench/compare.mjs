// `pnpm --filter @raftlog/adaptor-level compare`
import { comparisonMain } from '@raftlog/core/benchmark';
import { comparison } from './comparison.mjs';

process.exitCode = await comparisonMain(comparison, process.argv.slice(2));
