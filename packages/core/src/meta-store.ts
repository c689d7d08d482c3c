import type { HardState } from './entry.ts';

/** The hard state of one Raft node. Ordered with the calls of the {@link LogStore}: no log change becomes durable before a hard state saved earlier. */
export interface MetaStore {
  /**
   * Durable when it resolves, in every mode of a persistent store. Saving the accepted state again succeeds.
   *
   * Refused before anything is written: a lower term (`TERM_REGRESSION`); within a term a vote that changes or
   * vanishes (`VOTE_CONFLICT`); a term or id out of range (`INVALID_ARGUMENT`).
   */
  saveHardState(state: HardState): Promise<void>;
  /**
   * The last accepted hard state; `undefined` if none was ever saved. A damaged one is `CORRUPTION` when the engine is opened, never
   * `undefined`. Of an engine that has poisoned itself the last accepted one too, or `STORE_FAILED` where that may not be durable.
   */
  loadHardState(): Promise<HardState | undefined>;
  /** Resolves when every hard state accepted before the call is durable. */
  flush(): Promise<void>;
}
