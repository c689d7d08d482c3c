import { describeCrashLab } from '@raftlog/crash-lab/vitest';

// A slice; `pnpm crash-lab --adaptor lmdb` tries tens of thousands.
describeCrashLab(new URL('../crash/lab.mjs', import.meta.url), { states: 600 });
