import { runAllTests, type SuiteReport } from '@raftlog/core/conformance';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildHost } from '../src/builder.ts';
import { mutants } from '../src/catalogue.ts';
import type { Host } from '../src/mutant.ts';
import { seed } from './broken.ts';

/**
 * Runs the whole suite on the engine that the host's mutants are made of, opened in the same way: a case that fails for everybody
 * proves nothing about a mutant.
 */
export function describeUnbroken(host: Host): void {
  describe(`the unbroken ${host} engine`, () => {
    let report: SuiteReport | undefined;
    beforeAll(async () => {
      report = await runAllTests(await buildHost(host), { seed });
    }, 300_000);

    test('passes every case of the suite', () => {
      expect(report?.results.flatMap(({ error }) => error?.message ?? [])).toEqual([]);
      expect(report?.passed).toBeGreaterThan(100);
    });

    test.each(mutants.filter((mutant) => mutant.host === host))(
      'passes $killedBy, which kills $name',
      ({ killedBy }) => {
        expect(report?.results.find(({ id }) => id === killedBy)?.status).toBe('passed');
      },
    );
  });
}
