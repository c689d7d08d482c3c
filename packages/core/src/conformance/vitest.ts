import type { StorageEngineBuilder } from './builder.ts';
import type { ConformanceSubject } from './case.ts';
import { defaultSeed } from './random.ts';
import { examine, runCase } from './run-case.ts';
import { type DescribeOptions, planCases } from './suite.ts';
import { testTitle } from './test-title.ts';

export type { DescribeOptions };

const vitest = await import('vitest').catch((cause: unknown) => {
  throw new Error('@raftlog/core/conformance/vitest needs vitest: npm install --save-dev vitest', { cause });
});

/**
 * Registers every case of the suite as a test. A case that doesn't apply to the engine is a skipped test whose name says why.
 *
 * @example
 * ```ts
 * describeStorageEngine('my engine', myBuilder, { level: 1 });
 * ```
 */
export function describeStorageEngine(
  name: string,
  makeBuilder: () => StorageEngineBuilder | Promise<StorageEngineBuilder>,
  options: DescribeOptions = {},
): void {
  const seed = options.seed ?? defaultSeed();
  vitest.describe(name, async () => {
    const subject: ConformanceSubject = await examine(await makeBuilder());
    for (const { conformanceCase, skip } of planCases(subject, options)) {
      const title = testTitle(conformanceCase, skip);
      if (skip !== undefined) {
        vitest.test.skip(title);
        continue;
      }
      // The case has its own limit, which names what hangs and still closes every engine; and a case that fails sometimes is a finding.
      vitest.test.sequential(title, { timeout: 0, retry: 0 }, () =>
        runCase(subject, conformanceCase, { ...options, seed }),
      );
    }
  });
}
