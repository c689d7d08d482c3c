import type { RaftCore } from '@raftlog/raft';

/** How the parts of a node reach its core. */
export interface CoreHost {
  /**
   * Calls inputs of the core. What comes of them is taken in a later step of the same turn, together with that of other inputs. `undefined` where the node
   * has stopped, or an input made it stop.
   */
  input<Result>(run: (core: RaftCore) => Result): Result | undefined;
}
