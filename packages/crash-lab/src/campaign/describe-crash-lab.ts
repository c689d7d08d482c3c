import { expect, test } from 'vitest';
import { describeUnderStrace } from '../describe-where-possible.ts';
import { loadSubject } from '../subject.ts';
import { type CrashCampaignOptions, runCrashCampaign } from './crash-campaign.ts';
import { formatViolation } from './violation.ts';

/**
 * Registers a test, with vitest, that crashes an engine in so many states (see `runCrashCampaign`): a slice of what the command tries. `module`: what
 * the command takes as `--builder`. Where strace is missing the test is skipped and says so, and with `RAFTLOG_CI=full` it fails.
 */
export function describeCrashLab(module: URL, options: CrashCampaignOptions & { readonly states: number }): void {
  const { states, model = 'ext4', seed = 1 } = options;
  describeUnderStrace('after a power cut', () => {
    test(`${states} crash states (${model}, seed ${seed})`, { timeout: 600_000 }, async () => {
      const report = await runCrashCampaign(await loadSubject(module.href), { violations: 3, ...options });
      const replay = 'The crash lab as a command, with the same seed, writes it to a file that replays it.';
      expect(report.violations.map((violation) => formatViolation(violation, replay)).join('\n\n')).toBe('');
      expect(report.states).toBeGreaterThanOrEqual(states);
    });
  });
}
