import { FileStorageEngine } from '@raftlog/adaptor-file';
import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import type { StorageEngine } from '@raftlog/core';
import { DirectStorageEngine } from '../../../../examples/direct-engine/src/index.ts';
import { MapStorageEngine } from '../../../../examples/map-adaptor/src/index.ts';

/** An engine that a node has to run on. */
export interface EngineKind {
  readonly name: string;
  readonly open: (directory: string) => Promise<StorageEngine>;
  /** True: what a closed engine held is gone. */
  readonly isVolatile: boolean;
}

export const MEMORY: EngineKind = { name: 'memory', open: () => MemoryStorageEngine.open({}), isVolatile: true };

/** Without a database; those are in `packages/all-adaptors`. The last two are what third parties would write: on the kit, and straight against the traits. */
export const ENGINES: readonly EngineKind[] = [
  MEMORY,
  { name: 'file', open: (directory) => FileStorageEngine.open({ directory }), isVolatile: false },
  {
    name: 'file, buffered',
    open: (directory) => FileStorageEngine.open({ directory, durability: 'buffered' }),
    isVolatile: false,
  },
  { name: 'map (example)', open: (directory) => MapStorageEngine.open({ directory }), isVolatile: false },
  { name: 'direct (example)', open: (directory) => DirectStorageEngine.open({ directory }), isVolatile: false },
];
