import type { StorageEngineBuilder } from '../conformance/builder.ts';
import { type MemoryPhase, measureMemory } from './memory.ts';
import { type BenchmarkRow, row } from './row.ts';
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
      const { write, read } = await measureMemory(child, {
        entries,
        batchSize,
        payloadBytes,
        ...(builder.offersBuffered === true ? { durability: 'buffered' as const } : {}),
        onProgress: (phase: MemoryPhase, done) => options.onProgress?.(`${name}: ${phase}`, done, entries),
      });
      rows.push(row(`${name}: memory over idle, written`, 'MiB', [write.overIdleMiB], defaultTargets.memory));
      rows.push(row(`${name}: memory over idle, reopened and read`, 'MiB', [read.overIdleMiB], defaultTargets.memory));
      rows.push(row(`${name}: rate`, 'entries/s', [entries / write.seconds]));
    } finally {
      await builder.cleanup();
    }
  }
  return rows;
}
