/**
 * Measures a storage engine against its targets.
 *
 * @packageDocumentation
 */
export { type ComparisonOptions, type ComparisonTargets, compareWithDatabase, type LogByHand } from './comparison.ts';
export { comparisonMain } from './comparison-main.ts';
export { EntrySource } from './entry-source.ts';
export { longestStall } from './event-loop.ts';
export { formatReport, formatRows } from './format.ts';
export { benchmarkMain } from './main.ts';
export {
  type MemoryOptions,
  type MemoryPhase,
  type MemoryResult,
  measureMemory,
  type PhaseMemory,
} from './memory.ts';
export { type MemoryTestOptions, runMemoryTests } from './memory-rows.ts';
export type { BenchmarkOptions, BenchmarkSizes } from './options.ts';
export { readEntry, readRange } from './read.ts';
export { ResidentMemory } from './resident-memory.ts';
export type { BenchmarkRow, BenchmarkTarget, BenchmarkUnit, LeftOut } from './row.ts';
export {
  type BenchmarkEnvironment,
  type BenchmarkReport,
  benchmarkEnvironment,
  runPerformanceTests,
} from './run-performance-tests.ts';
export { type Summary, summarize } from './statistics.ts';
export { type BenchmarkTargets, defaultTargets } from './targets.ts';
export { entriesText, grouped, perSecond, timed } from './workbench.ts';
