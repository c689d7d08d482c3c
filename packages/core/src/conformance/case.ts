import type { StorageEngine } from '../storage-engine.ts';
import type { BuildOptions, StorageEngineBuilder } from './builder.ts';

/** The areas of the suite, in the order of the case list. */
export type ConformanceArea =
  | 'lifecycle'
  | 'append'
  | 'read'
  | 'truncate'
  | 'purge'
  | 'meta'
  | 'recovery'
  | 'faults'
  | 'snapshots'
  | 'model';

/** One named statement about an engine: data that any runner can run. */
export interface ConformanceCase {
  /** Stable, such as `B12-gap-refused`: area letter and number of the case list, then what is proved. */
  readonly id: string;
  readonly area: ConformanceArea;
  /** A sentence that is true of a right engine. */
  readonly title: string;
  /** Level of the suite at which it became mandatory. */
  readonly level: number;
  /** Why the case does not apply to this engine, by what it declares; `undefined`: it applies and must pass. */
  readonly inapplicable?: (subject: ConformanceSubject) => string | undefined;
  /** Milliseconds after which it has failed. Default: 30,000. */
  readonly timeoutMs?: number;
  /** Fails by throwing. */
  readonly run: (context: CaseContext) => Promise<void>;
}

/** What is judged: the builder, and what its engine declares of itself. */
export interface ConformanceSubject {
  readonly builder: StorageEngineBuilder;
  readonly capabilities: StorageEngine['capabilities'];
}

/** What a case works with: a fresh place, and engines that are closed after it whatever happens. */
export interface CaseContext extends ConformanceSubject {
  /** Seeds every random choice of the case; printed when it fails. */
  readonly seed: number;
  /** Multiplies every time limit. */
  readonly timeoutFactor: number;
  /** Opens the place. Any engine that the case opened before and has not closed is closed first unless `keepOpen`. */
  open(options?: BuildOptions & { readonly keepOpen?: boolean }): Promise<StorageEngine>;
  /**
   * Runs `check` on `engine`, then closes it, opens the place again and runs `check` on that too: what is true must still be true
   * after a clean reopen. Of a volatile engine only the first. Resolves to the engine that is open now.
   */
  andAfterReopen(engine: StorageEngine, check: (engine: StorageEngine) => Promise<void>): Promise<StorageEngine>;
  /** Runs when the case has ended, last registered first. */
  onEnd(cleanup: () => Promise<void> | void): void;
}
