import type { ComparisonOptions } from '@raftlog/core/benchmark';
import type { DatabaseName } from './names.ts';

/** The adaptor, its database by hand and what is demanded of their ratio: as the adaptor's own `compare` has it. */
export async function loadComparison(name: DatabaseName): Promise<ComparisonOptions> {
  const module = new URL(`../../../adaptor-${name}/bench/comparison.mjs`, import.meta.url);
  const { comparison } = (await import(module.href)) as { readonly comparison: ComparisonOptions };
  return comparison;
}
