import { cpus } from 'node:os';
import type { Durability } from '../capabilities.ts';
import type { StorageEngineBuilder } from '../conformance/builder.ts';
import { refuseInOwnChild } from '../conformance/own-child.ts';
import { measureCuts } from './cut.ts';
import { measureDiskRatio } from './disk-baseline.ts';
import { measureStalls } from './event-loop.ts';
import type { BenchmarkOptions, BenchmarkSizes } from './options.ts';
import { measurePersist } from './persist.ts';
import { measureReads } from './read.ts';
import { measureLongLog } from './reopen.ts';
import type { BenchmarkRow, LeftOut } from './row.ts';
import { Workbench } from './workbench.ts';

/** All that {@link runPerformanceTests} found; JSON-able. */
export interface BenchmarkReport {
  readonly adaptor: string;
  readonly durability: Durability;
  readonly environment: BenchmarkEnvironment;
  readonly sizes: BenchmarkSizes;
  readonly rows: readonly BenchmarkRow[];
  readonly leftOut: readonly LeftOut[];
  /** No row misses its target. */
  readonly pass: boolean;
}

export interface BenchmarkEnvironment {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cpus: number;
}

const sections = [measurePersist, measureDiskRatio, measureStalls, measureReads, measureCuts, measureLongLog];

/**
 * Measures an engine and holds the figures against the targets. Every part starts from an empty place, and the place is
 * empty at the end. Takes about a minute with the default sizes and a fast local disk. Figures are not checks of
 * what the engine does (the conformance suite has those), but a read that gives something wrong ends the run with an error.
 *
 * @example
 * ```ts
 * const report = await runPerformanceTests(myBuilder(), { logEntries: 100_000 });
 * console.log(formatReport(report));
 * ```
 */
export async function runPerformanceTests(
  builder: StorageEngineBuilder,
  options: BenchmarkOptions = {},
): Promise<BenchmarkReport> {
  refuseInOwnChild();
  const bench = new Workbench(builder, options);
  const { adaptor, durability } = await bench.onFreshEngine(async ({ capabilities }) => capabilities);
  const rows: BenchmarkRow[] = [];
  const leftOut: LeftOut[] = [];
  for (const measure of sections) {
    const section = await measure(bench);
    rows.push(...section.rows);
    leftOut.push(...section.leftOut);
  }
  const pass = rows.every((each) => each.pass !== false);
  return { adaptor, durability, environment: benchmarkEnvironment(), sizes: bench.sizes, rows, leftOut, pass };
}

export function benchmarkEnvironment(): BenchmarkEnvironment {
  const all = cpus();
  return {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: all[0]?.model.trim() ?? 'unknown',
    cpus: all.length,
  };
}
