import type { StorageEngine } from '@raftlog/core';
import { KeyValueStateMachine, NodeBuilder } from '@raftlog/node';

/** What is put to the test. Each part can be replaced by a wrong one, to see that the simulation notices. */
export interface Implementation {
  readonly name: string;
  readonly NodeBuilder: typeof NodeBuilder;
  readonly KeyValueStateMachine: typeof KeyValueStateMachine;
  /** Between the node and its storage. */
  readonly storageEngine?: (engine: StorageEngine) => StorageEngine;
}

/** The packages as they are. */
export const SHIPPED: Implementation = { name: 'shipped', NodeBuilder, KeyValueStateMachine };
