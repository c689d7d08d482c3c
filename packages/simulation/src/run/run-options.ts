import { type Implementation, SHIPPED } from '../cluster/implementation.ts';
import type { Invariant } from '../invariants/violation.ts';

/** How a plan is run. */
export interface RunOptions {
  /** Default: what is shipped. */
  readonly implementation?: Implementation;
  /** Keep what happens, line by line. Default: false. */
  readonly keepTrace?: boolean;
  /** Invariants that may be broken. Default: none. */
  readonly ignoring?: readonly Invariant[];
}

export function withDefaults(options: RunOptions): Required<RunOptions> {
  return { implementation: SHIPPED, keepTrace: false, ignoring: [], ...options };
}
