import { defaultSeed } from '@raftlog/core/conformance';
import { test } from 'vitest';
import { expectNoViolation } from './support/campaign.ts';

// Other seeds each time: `RAFTLOG_SEED` repeats a run, and so does the command that a failure prints.
test('220 clusters on the memory engine keep all invariants', async () => {
  await expectNoViolation('memory', defaultSeed(), 220);
}, 300_000);
