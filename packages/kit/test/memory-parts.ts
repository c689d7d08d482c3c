import type { HardState, SnapshotStore } from '@raftlog/core';
import type { ClosableSnapshotStore, HardStateStorage, SavedHardState } from '../src/index.ts';

/** A hard state that outlives its engine, as one on a disk does. */
export class KeptHardState implements HardStateStorage {
  current: SavedHardState | undefined;

  async save(state: HardState): Promise<void> {
    this.current = { sequence: (this.current?.sequence ?? 0) + 1, state };
  }

  async close(): Promise<void> {}
}

/** For tests that take no snapshots. */
export function noSnapshots(): ClosableSnapshotStore {
  const unused = (): never => {
    throw new Error('these tests take no snapshots');
  };
  const store: SnapshotStore = {
    save: unused,
    latest: unused,
    list: unused,
    open: unused,
    remove: unused,
    retain: unused,
  };
  return { ...store, close: async () => {} };
}
