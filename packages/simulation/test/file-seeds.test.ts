import { defaultSeed } from '@raftlog/core/conformance';
import { test } from 'vitest';
import { expectNoViolation } from './support/campaign.ts';

// Other seeds each time: `RAFTLOG_SEED` repeats a run, and so does the command that a failure prints.
test('100 clusters on the file adaptor over a disk that loses what is not synced keep all invariants', async () => {
  await expectNoViolation('file', defaultSeed(), 100);
}, 300_000);
