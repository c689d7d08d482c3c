import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { formatViolation, runCrashCampaign } from '@raftlog/crash-lab';
import { directBuilder } from './direct-builder.ts';

const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

// The conformance suite cuts the power on a simulated disk; this is a real one. Tens of thousands of states take the command: see the README.
test('after a power cut at any system call', { skip: canTrace ? false : 'needs strace' }, async () => {
  const subject = { name: 'direct-engine', makeBuilder: directBuilder };
  const { states, violations } = await runCrashCampaign(subject, { states: 300, violations: 3 });
  assert.deepEqual(
    violations.map((violation) => formatViolation(violation, 'crash-lab.mjs repeats it, with the same seed.')),
    [],
  );
  assert.ok(states >= 300);
});
