import { describeCrashLab } from '@raftlog/crash-lab/vitest';

// A slice; `pnpm crash-lab --adaptor level` tries tens of thousands.
describeCrashLab(new URL('../crash/lab.mjs', import.meta.url), { states: 600 });
