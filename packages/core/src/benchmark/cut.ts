import type { LogStore } from '../log-store.ts';
import { row, type SectionResult } from './row.ts';
import { entriesText, timed, type Workbench } from './workbench.ts';

/** `purge`, `truncate` and `reset`, each timed until its promise resolves; the log is filled up again between the rounds. */
export async function measureCuts(bench: Workbench): Promise<SectionResult> {
  const { rangeEntries, resetEntries } = bench.sizes;
  bench.announce('purge, truncate and reset');
  const purge = await bench.onFreshEngine(({ logStore }) =>
    bench.rounds(async () => {
      await fillUpTo(bench, logStore, 2 * rangeEntries);
      return timed(() => logStore.purge({ index: logStore.firstIndex + rangeEntries - 1, term: 1 }));
    }),
  );
  const truncate = await bench.onFreshEngine(({ logStore }) =>
    bench.rounds(async () => {
      await fillUpTo(bench, logStore, 2 * rangeEntries);
      return timed(() => logStore.truncate(logStore.lastIndex - rangeEntries + 1));
    }),
  );
  const reset = await bench.onFreshEngine(({ logStore }) =>
    bench.rounds(async () => {
      await fillUpTo(bench, logStore, resetEntries);
      return timed(() => logStore.reset());
    }),
  );
  return {
    rows: [
      row(`purge of ${entriesText(rangeEntries)}`, 'ms', purge, bench.targets.purge),
      row(`truncate of ${entriesText(rangeEntries)}`, 'ms', truncate, bench.targets.truncate),
      row(`reset of ${entriesText(resetEntries)}`, 'ms', reset, bench.targets.reset),
    ],
    leftOut: [],
  };
}

async function fillUpTo(bench: Workbench, log: LogStore, length: number): Promise<void> {
  const present = log.lastIndex - log.firstIndex + 1;
  if (present < length) await bench.source.fill(log, length - present);
}
