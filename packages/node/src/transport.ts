import type { Envelope } from './node-message.ts';

/**
 * Carries messages between nodes. It may lose, delay, duplicate and reorder them, but it must not alter one, nor give out one that nobody sent: check
 * the peer's identity where strangers can connect.
 *
 * It belongs to one node, from `start` to `close`.
 */
export interface Transport {
  /**
   * Begins to receive. From when it resolves, or before, `receive` is called with every envelope that comes for this node, never within a call of
   * `send`. `receive` doesn't throw and does little.
   *
   * `unreachable`, which a transport need not call, says that messages to a peer were lost or will be, such as after its connection broke.
   */
  start(receive: (envelope: Envelope) => void, unreachable?: (peer: string) => void): Promise<void>;
  /**
   * Sends, as far as possible; never throws and never waits. What it can't hold it drops: Raft sends again what matters. The envelope and its
   * bytes don't change after the call.
   */
  send(envelope: Envelope): void;
  /** Receives and sends no more. Idempotent. */
  close(): Promise<void>;
}
