import { describeCrashLab } from '@raftlog/crash-lab/vitest';

// A slice; `pnpm crash-lab --adaptor rocksdb` tries tens of thousands.
describeCrashLab(new URL('../crash/lab.mjs', import.meta.url), { states: 200 });
