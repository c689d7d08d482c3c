import type { Mutant } from './mutant.ts';
import { appendMutants } from './mutants/append.ts';
import { durabilityMutants } from './mutants/durability.ts';
import { faultMutants } from './mutants/faults.ts';
import { lifecycleMutants } from './mutants/lifecycle.ts';
import { metaMutants } from './mutants/meta.ts';
import { purgeMutants } from './mutants/purge.ts';
import { readMutants } from './mutants/read.ts';
import { recoveryMutants } from './mutants/recovery.ts';
import { resetMutants } from './mutants/reset.ts';
import { snapshotMutants } from './mutants/snapshots.ts';
import { truncateMutants } from './mutants/truncate.ts';

/** Every mutant, in the order of the suite's areas. */
export const mutants: readonly Mutant[] = [
  ...lifecycleMutants,
  ...appendMutants,
  ...readMutants,
  ...truncateMutants,
  ...purgeMutants,
  ...resetMutants,
  ...metaMutants,
  ...recoveryMutants,
  ...durabilityMutants,
  ...faultMutants,
  ...snapshotMutants,
];
