import { measureMemory } from './memory.ts';
import { memoryRows } from './memory-rows.ts';
import { type BenchmarkRow, type LeftOut, row, type SectionResult } from './row.ts';
import { entriesText, timed, type Workbench } from './workbench.ts';

const memoryBatch = 1_000;

/** How long a long log takes to open, and what it costs in memory. */
export async function measureLongLog(bench: Workbench): Promise<SectionResult> {
  const { logEntries, payloadBytes, rangeEntries, rounds } = bench.sizes;
  const reopen = `reopen of ${entriesText(logEntries)}`;
  const memory = `memory over idle, ${entriesText(logEntries)}`;
  return bench.inFreshPlace(async () => {
    bench.announce(reopen);
    const durability = await bench.onEngine(async ({ logStore, capabilities }) => {
      if (capabilities.durability !== 'volatile') await bench.source.fill(logStore, logEntries);
      return capabilities.durability;
    });
    if (durability === 'volatile') {
      const reason = 'A volatile engine keeps its log in memory, and loses it.';
      return { rows: [], leftOut: [reopen, memory].map((name) => ({ name, reason })) };
    }
    const opened: number[] = [];
    const cold: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const start = performance.now();
      const engine = await bench.builder.build();
      opened.push(performance.now() - start);
      const { lastIndex } = engine.logStore;
      // Another stretch each time, none of them near the end.
      const first = 1 + Math.floor((i * logEntries) / (2 * rounds));
      const last = Math.min(first + rangeEntries, logEntries + 1) - 1;
      cold.push(await timed(() => engine.logStore.getEntries(first, last, { exact: true })));
      await engine.close();
      if (lastIndex !== logEntries)
        throw new Error(`The log ends at ${lastIndex} after reopening, not at ${logEntries}.`);
    }
    const middle = `getEntries of ${entriesText(Math.min(rangeEntries, logEntries))} from its middle, right after open`;
    const rows: BenchmarkRow[] = [row(reopen, 'ms', opened), row(middle, 'ms', cold)];
    const leftOut: LeftOut[] = [];

    await bench.builder.cleanup();
    const { child } = bench.builder;
    if (child === undefined) {
      leftOut.push({ name: memory, reason: 'The builder names no child process to measure it in.' });
    } else {
      bench.announce(memory);
      const measured = await measureMemory(child, { entries: logEntries, batchSize: memoryBatch, payloadBytes });
      rows.push(...memoryRows(memory, measured, bench.targets.memory));
    }
    return { rows, leftOut };
  });
}
