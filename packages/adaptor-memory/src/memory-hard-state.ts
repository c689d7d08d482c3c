import type { HardState } from '@raftlog/core';
import type { HardStateStorage, SavedHardState } from '@raftlog/kit';

/** The hard state in a variable. */
export class MemoryHardState implements HardStateStorage {
  #current: SavedHardState | undefined;

  get current(): SavedHardState | undefined {
    return this.#current;
  }

  async save({ currentTerm, votedFor }: HardState): Promise<void> {
    this.#current = { sequence: (this.#current?.sequence ?? 0) + 1, state: { currentTerm, votedFor } };
  }

  async close(): Promise<void> {}
}
