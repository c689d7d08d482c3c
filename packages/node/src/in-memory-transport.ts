import type { Envelope } from './node-message.ts';
import type { Transport } from './transport.ts';

/**
 * Joins nodes of one process, for tests and for clusters that are threads of one program: each node gets a transport from {@link InMemoryHub.transport}.
 * Every message arrives, in order, unless the way was cut with {@link InMemoryHub.cut}.
 *
 * @example
 * ```ts
 * const hub = new InMemoryHub();
 * const builder = new NodeBuilder(config).transport(hub.transport('node-1'));
 * ```
 */
export class InMemoryHub {
  readonly #receivers = new Map<string, (envelope: Envelope) => void>();
  readonly #cuts = new Set<string>();

  /** The transport of one node. A node that starts again takes a new one. */
  transport(nodeId: string): Transport {
    let receive: ((envelope: Envelope) => void) | undefined;
    return {
      start: async (receiver) => {
        receive = receiver;
        this.#receivers.set(nodeId, receiver);
      },
      send: (envelope) => {
        if (receive !== undefined) this.#carry(nodeId, envelope);
      },
      close: async () => {
        // A successor under the same id may have registered already.
        if (this.#receivers.get(nodeId) === receive) this.#receivers.delete(nodeId);
        receive = undefined;
      },
    };
  }

  /** Loses whatever `from` sends to `to` from now on; the other direction stays open. */
  cut(from: string, to: string): void {
    this.#cuts.add(wayOf(from, to));
  }

  /** Cuts a node off from all others, in both directions. */
  isolate(nodeId: string): void {
    this.#cuts.add(wayOf(nodeId, '*')).add(wayOf('*', nodeId));
  }

  /** Opens all ways again. */
  heal(): void {
    this.#cuts.clear();
  }

  #carry(from: string, envelope: Envelope): void {
    // In a turn of its own, as from a network: a node is never called from within its own call.
    queueMicrotask(() => {
      if (!this.#isCut(from, envelope.to)) this.#receivers.get(envelope.to)?.(envelope);
    });
  }

  #isCut(from: string, to: string): boolean {
    return [wayOf(from, to), wayOf(from, '*'), wayOf('*', to)].some((way) => this.#cuts.has(way));
  }
}

function wayOf(from: string, to: string): string {
  return JSON.stringify([from, to]);
}
