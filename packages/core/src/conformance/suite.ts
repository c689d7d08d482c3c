import { runPerformanceTests } from '../benchmark/index.ts';
import type { StorageEngineBuilder } from './builder.ts';
import type { ConformanceArea, ConformanceCase, ConformanceSubject } from './case.ts';
import { conformanceCases } from './cases/index.ts';
import { defaultSeed } from './random.ts';
import { ConformanceFailure, examine, runCase } from './run-case.ts';

/** The level of this suite: it rises by one with each release that adds mandatory cases. */
export const SUITE_LEVEL: number = 1;

/** Options of a run, the same for the report and for the runners. */
export interface SuiteOptions {
  /**
   * The level that the adaptor is held to. Pin it, so that a newer suite doesn't break a build: cases of higher levels are then
   * reported as skipped. Default: {@link SUITE_LEVEL}.
   */
  readonly level?: number;
  /** Repeats the random choices of an earlier run. Default: `RAFTLOG_SEED` from the environment, or a new seed. */
  readonly seed?: number;
  /** Multiplies every time limit, for slow stores. Default: 1. */
  readonly timeoutFactor?: number;
  /** Cases of the author's own, run after the suite's. */
  readonly additionalCases?: readonly ConformanceCase[];
  /** Called as each case ends, for showing progress. */
  readonly onResult?: (result: CaseResult) => void;
}

/** What the runners take: {@link SuiteOptions} without the progress, which the runner shows itself. */
export type DescribeOptions = Omit<SuiteOptions, 'onResult'>;

/** How one case ended. */
export interface CaseResult {
  readonly id: string;
  readonly area: ConformanceArea;
  readonly title: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped. */
  readonly reason?: string;
  readonly error?: ConformanceFailure;
  readonly durationMs: number;
}

/** How a run ended. The adaptor conforms if `failed` is 0. */
export interface SuiteReport {
  /** Name of the adaptor, as it declares it. */
  readonly adaptor: string;
  /** The level that the adaptor was held to. */
  readonly level: number;
  /** The level of the suite that ran. */
  readonly suiteLevel: number;
  readonly seed: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly results: readonly CaseResult[];
  readonly durationMs: number;
}

/** A case, and why it is not run on this subject, if it is not. */
export interface PlannedCase {
  readonly conformanceCase: ConformanceCase;
  readonly skip: string | undefined;
}

/** The cases for a subject, in order: what is skipped is in the list too, with its reason. */
export function planCases(subject: ConformanceSubject, options: SuiteOptions = {}): PlannedCase[] {
  const level = checkedLevel(options.level);
  return [...conformanceCases, ...(options.additionalCases ?? [])].map((conformanceCase) => ({
    conformanceCase,
    skip:
      conformanceCase.level > level
        ? `mandatory from level ${conformanceCase.level}; pinned to ${level}`
        : conformanceCase.inapplicable?.(subject),
  }));
}

/** Runs every case on the builder's engine, one after the other. Rejects only if no engine can be built at all. */
export async function runAllTests(builder: StorageEngineBuilder, options: SuiteOptions = {}): Promise<SuiteReport> {
  const level = checkedLevel(options.level);
  const seed = options.seed ?? defaultSeed();
  const started = performance.now();
  const subject = await examine(builder);
  const results: CaseResult[] = [];
  for (const { conformanceCase, skip } of planCases(subject, options)) {
    const result =
      skip === undefined
        ? await resultOf(subject, conformanceCase, { ...options, seed })
        : { ...describe(conformanceCase), status: 'skipped' as const, reason: skip, durationMs: 0 };
    results.push(result);
    options.onResult?.(result);
  }
  const count = (status: CaseResult['status']) => results.filter((result) => result.status === status).length;
  return {
    adaptor: subject.capabilities.adaptor,
    level,
    suiteLevel: SUITE_LEVEL,
    seed,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    results,
    durationMs: performance.now() - started,
  };
}

/** The suite, as an author calls it. */
export const StorageEngineTestSuite: {
  /**
   * Runs every case on the builder's engine and reports on each; nothing is printed.
   *
   * @example
   * ```ts
   * const report = await StorageEngineTestSuite.runAllTests(myBuilder(), { level: 1 });
   * process.stdout.write(formatReport(report));
   * process.exitCode = report.failed === 0 ? 0 : 1;
   * ```
   */
  readonly runAllTests: typeof runAllTests;
  /** Measures the builder's engine, as `@raftlog/core/benchmark` describes. */
  readonly runPerformanceTests: typeof runPerformanceTests;
} = { runAllTests, runPerformanceTests };

/** The level to hold an adaptor to; throws for one that this suite doesn't know. */
function checkedLevel(level: number = SUITE_LEVEL): number {
  if (!Number.isInteger(level) || level < 1 || level > SUITE_LEVEL) {
    throw new RangeError(
      `The suite has levels 1 to ${SUITE_LEVEL}, not ${level}: pin one of these, or install a newer @raftlog/core.`,
    );
  }
  return level;
}

async function resultOf(
  subject: ConformanceSubject,
  conformanceCase: ConformanceCase,
  options: SuiteOptions & { readonly seed: number },
): Promise<CaseResult> {
  const started = performance.now();
  try {
    await runCase(subject, conformanceCase, options);
    return { ...describe(conformanceCase), status: 'passed', durationMs: performance.now() - started };
  } catch (error) {
    const failure =
      error instanceof ConformanceFailure ? error : new ConformanceFailure(conformanceCase, options.seed, error);
    return { ...describe(conformanceCase), status: 'failed', error: failure, durationMs: performance.now() - started };
  }
}

function describe({ id, area, title }: ConformanceCase): Pick<CaseResult, 'id' | 'area' | 'title'> {
  return { id, area, title };
}
