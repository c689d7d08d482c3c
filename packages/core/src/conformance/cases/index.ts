import type { ConformanceCase } from '../case.ts';
import { appendCases } from './append.ts';
import { appendLimitCases } from './append-limits.ts';
import { faultCases } from './faults.ts';
import { foreignFileCases } from './foreign-files.ts';
import { lifecycleCases } from './lifecycle.ts';
import { metaCases } from './meta.ts';
import { modelCases } from './model.ts';
import { purgeCases } from './purge.ts';
import { readCases } from './read.ts';
import { recoveryCases } from './recovery.ts';
import { snapshotCases } from './snapshots.ts';
import { streamCases } from './stream.ts';
import { truncateCases } from './truncate.ts';

/** Every case of the suite, in the order of the areas. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...lifecycleCases,
  ...foreignFileCases,
  ...appendCases,
  ...appendLimitCases,
  ...readCases,
  ...streamCases,
  ...truncateCases,
  ...purgeCases,
  ...metaCases,
  ...recoveryCases,
  ...faultCases,
  ...snapshotCases,
  ...modelCases,
];
