import { describe, test } from 'node:test';
import type { StorageEngineBuilder } from './builder.ts';
import { defaultSeed } from './random.ts';
import { examine, runCase } from './run-case.ts';
import { type DescribeOptions, planCases } from './suite.ts';
import { testTitle } from './test-title.ts';

export type { DescribeOptions };

/**
 * Registers every case of the suite as a test of `node:test`. A case that doesn't apply to the engine is a skipped test whose name says why.
 *
 * @example
 * ```ts
 * await describeStorageEngine('my engine', myBuilder, { level: 1 });
 * ```
 */
export async function describeStorageEngine(
  name: string,
  makeBuilder: () => StorageEngineBuilder | Promise<StorageEngineBuilder>,
  options: DescribeOptions = {},
): Promise<void> {
  const seed = options.seed ?? defaultSeed();
  const subject = await examine(await makeBuilder());
  void describe(name, { concurrency: 1 }, () => {
    for (const { conformanceCase, skip } of planCases(subject, options)) {
      const title = testTitle(conformanceCase, skip);
      if (skip !== undefined) void test(title, { skip });
      else void test(title, () => runCase(subject, conformanceCase, { ...options, seed }));
    }
  });
}
