import type { StorageEngineBuilder } from '../conformance/builder.ts';
import { type MemoryPhase, type MemoryResult, measureMemory } from './memory.ts';
import { type BenchmarkRow, type BenchmarkTarget, row } from './row.ts';
import { defaultTargets } from './targets.ts';
import { entriesText, grouped } from './workbench.ts';

/** Sizes of {@link runMemoryTests}. */
export interface MemoryTestOptions {
  /** Default: 10,000,000. */
  readonly entries?: number | undefined;
  /** Each way of writing the log. Default: 1,000 entries per commit, and one. */
  readonly batchSizes?: readonly number[] | undefined;
  readonly payloadBytes?: number | undefined;
  readonly onProgress?: (what: string, done: number, of: number) => void;
}

/**
 * The full-size check of memory: a long log, written once for each batch size, every call awaited before the next, then
 * reopened and read. Uses `buffered` where the builder offers it, because ten million syncs take a quarter of an hour
 * and say nothing more about memory. Needs `builder.child`.
 */
export async function runMemoryTests(
  builder: StorageEngineBuilder,
  options: MemoryTestOptions = {},
): Promise<BenchmarkRow[]> {
  const { entries = 10_000_000, batchSizes = [1_000, 1], payloadBytes = 256 } = options;
  const rows: BenchmarkRow[] = [];
  for (const batchSize of batchSizes) {
    await builder.cleanup();
    try {
      const { child } = builder;
      if (child === undefined) throw new Error('The builder names no child process to measure memory in.');
      const name = `${entriesText(entries)}, ${grouped(batchSize)} per commit`;
      const measured = await measureMemory(child, {
        entries,
        batchSize,
        payloadBytes,
        ...(builder.offersBuffered === true ? { durability: 'buffered' as const } : {}),
        onProgress: (phase: MemoryPhase, done) => options.onProgress?.(`${name}: ${phase}`, done, entries),
      });
      rows.push(...memoryRows(`${name}: memory over idle`, measured, defaultTargets.memory));
      rows.push(row(`${name}: rate`, 'entries/s', [entries / measured.write.seconds]));
    } finally {
      await builder.cleanup();
    }
  }
  return rows;
}

/** Above what the program's own code comes to while it is paged in. */
const MAPPED_MIB_WORTH_A_ROW = 16;

/** The memory of both phases against its target, and what an engine has mapped besides. */
export function memoryRows(name: string, measured: MemoryResult, target: BenchmarkTarget | undefined): BenchmarkRow[] {
  const phases = [
    [`${name}, written`, measured.write],
    [`${name}, reopened and read`, measured.read],
  ] as const;
  return phases.flatMap(([phase, { overIdleMiB, mappedMiB }]) => {
    const rows = [row(phase, 'MiB', [overIdleMiB], target)];
    if (mappedMiB > MAPPED_MIB_WORTH_A_ROW)
      rows.push(row(`${phase}: pages of mapped files besides`, 'MiB', [mappedMiB]));
    return rows;
  });
}
