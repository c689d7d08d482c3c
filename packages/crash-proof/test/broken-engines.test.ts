import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatViolation, readViolation, replay, runCrashCampaign, saveViolation } from '@raftlog/crash-lab';
import { describeUnderStrace } from '@raftlog/crash-lab/vitest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brokenEngine, brokenEngines, type Host, hosts } from '../src/index.ts';

describeUnderStrace('the crash lab', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'raftlog-violations-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test.each(brokenEngines)(
    'catches $host with $defect, and shows it again',
    { timeout: 300_000 },
    async ({ host, defect, shows }) => {
      const { violations } = await runCrashCampaign(brokenEngine(host, defect), {
        states: 4000,
        violations: 1,
        shrinkMs: 0,
      });
      const [violation] = violations;
      if (violation === undefined) throw new Error('It was not caught.');
      expect(`${violation.problem.kind}: ${violation.problem.detail}`).toMatch(shows);

      const path = saveViolation(violation, directory, 1);
      const again = readViolation(path);
      expect(formatViolation(again, '--replay')).toBe(formatViolation(violation, '--replay'));
      expect((await replay(brokenEngine(host, defect), again)).problem?.kind).toBe(violation.problem.kind);
    },
  );

  test.each<Host>(hosts)('finds nothing wrong with %s unbroken', { timeout: 300_000 }, async (host) => {
    const { violations, states } = await runCrashCampaign(brokenEngine(host), { states: 150, shrinkMs: 0 });
    expect(violations.map((violation) => formatViolation(violation, ''))).toEqual([]);
    expect(states).toBe(150);
  });

  test('shortens what an engine fails', { timeout: 300_000 }, async () => {
    const engine = brokenEngine('level', 'boundary-after-delete');
    const options = { states: 2000, violations: 1 };
    const [long, short] = await Promise.all([
      runCrashCampaign(engine, { ...options, shrinkMs: 0 }),
      runCrashCampaign(engine, { ...options, shrinkMs: 20_000 }),
    ]);
    const issued = ({ violations }: typeof long): number => violations[0]?.demands.at(-1)?.issued ?? 0;
    expect(issued(short)).toBeGreaterThan(0);
    // Something to purge, and the purge; now and then something else in between.
    expect(issued(short)).toBeLessThan(issued(long));
  });
});
