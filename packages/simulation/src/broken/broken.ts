import type { Implementation } from '../cluster/implementation.ts';
import type { Invariant } from '../invariants/violation.ts';
import type { RunPlan } from '../plan/run-plan.ts';

/** Something deliberately wrong, which the simulation must notice. */
export interface Broken {
  readonly name: string;
  /** What is wrong, and why that matters. */
  readonly what: string;
  /** Any of these tells. */
  readonly caughtBy: readonly Invariant[];
  /** Found within so many seeds from `firstSeed` on, which is where it was found when this was written: the search begins there to be short. */
  readonly seeds: number;
  readonly firstSeed?: number;
  /** Invariants that would tell earlier and are left out, to see that the consequences are noticed too. */
  readonly ignoring?: readonly Invariant[];
  /** Where it takes a certain kind of cluster. */
  readonly adapt?: (plan: RunPlan) => RunPlan;
  readonly load: () => Promise<Implementation>;
}
