import type { SnapshotInfo, SnapshotStore } from '@raftlog/core';
import { type Configuration, decodeConfiguration } from '@raftlog/raft';
import type { Identity } from './errors.ts';
import type { NodeMessage, SnapshotChunk } from './node-message.ts';
import { encodeContext, type StateSnapshot } from './snapshot-context.ts';

/** Pieces that are held, at most, until the storage has taken them. */
const MAX_HELD = 8;

/** What a {@link SnapshotReceiver} depends on. */
export interface SnapshotReceiverOptions {
  readonly identity: Identity;
  readonly snapshots: SnapshotStore;
  readonly send: (to: string, message: NodeMessage) => void;
  /** Ticks without a piece after which a transfer is given up. */
  readonly idleTicks: number;
  /** What is committed here; a snapshot of that is not needed. */
  readonly commitIndex: () => number;
  /** It is saved durably. */
  readonly received: (snapshot: StateSnapshot) => void;
  readonly failed: (error: unknown) => void;
}

interface Incoming {
  readonly from: string;
  readonly first: SnapshotChunk;
  readonly configuration: Configuration;
  readonly abort: AbortController;
  readonly held: Uint8Array[];
  /** Bytes that came, in order. */
  arrived: number;
  /** Bytes that the storage has taken. */
  consumed: number;
  silentTicks: number;
  /** Ends the wait for the next piece. */
  wake: (() => void) | undefined;
}

/**
 * Receives snapshots, one at a time, and writes them to the storage as they come. A piece is answered when the storage has taken it, so a slow disk slows down the
 * sender, and no more is held than the sender sends ahead. A transfer that breaks off goes on where it was, as long as neither node starts anew: a
 * snapshot store takes a snapshot whole or not at all.
 */
export class SnapshotReceiver {
  readonly #options: SnapshotReceiverOptions;
  #incoming: Incoming | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: SnapshotReceiverOptions) {
    this.#options = options;
  }

  /** A piece from the leader. */
  step(from: string, chunk: SnapshotChunk): void {
    if (chunk.lastIncluded.index <= this.#options.commitIndex()) {
      this.#answer(from, chunk, chunk.size, true);
      return;
    }
    if (this.#beginsAnew(from, chunk)) this.#begin(from, chunk);
    const incoming = this.#incoming;
    if (incoming === undefined || !isPartOf(incoming, from, chunk)) {
      this.#answer(from, chunk, 0, false);
      return;
    }
    incoming.silentTicks = 0;
    const fits = chunk.offset === incoming.arrived && incoming.held.length < MAX_HELD;
    // One without data asks how far it is, unless the whole snapshot has none.
    if (!fits || (chunk.data.length === 0 && chunk.size > 0)) {
      this.#answer(from, chunk, incoming.consumed, false);
      return;
    }
    incoming.arrived += chunk.data.length;
    if (chunk.data.length > 0) incoming.held.push(chunk.data);
    incoming.wake?.();
  }

  /** The first piece of another transfer, unless it is a late one: whoever sends an older snapshot has to wait until the one that is coming falls silent. */
  #beginsAnew(from: string, chunk: SnapshotChunk): boolean {
    const incoming = this.#incoming;
    if (chunk.offset !== 0 || (incoming !== undefined && isPartOf(incoming, from, chunk))) return false;
    if (incoming === undefined || incoming.silentTicks >= this.#options.idleTicks / 10) return true;
    return chunk.lastIncluded.index >= incoming.first.lastIncluded.index;
  }

  tick(): void {
    const incoming = this.#incoming;
    // Not while the storage still works on what has come.
    if (incoming === undefined || incoming.consumed < incoming.arrived || incoming.arrived === incoming.first.size)
      return;
    incoming.silentTicks++;
    if (incoming.silentTicks >= this.#options.idleTicks) this.#abandon();
  }

  async stop(): Promise<void> {
    this.#abandon();
    await this.#saving;
  }

  /** Another snapshot than the one that was coming: that one is left, for this sender won't go on with it. */
  #begin(from: string, first: SnapshotChunk): void {
    this.#abandon();
    const incoming: Incoming = {
      from,
      first,
      configuration: decodeConfiguration(first.configuration),
      abort: new AbortController(),
      held: [],
      arrived: 0,
      consumed: 0,
      silentTicks: 0,
      wake: undefined,
    };
    this.#incoming = incoming;
    this.#saving = Promise.all([this.#saving, this.#save(incoming)]).then(() => undefined);
  }

  #abandon(): void {
    this.#incoming?.abort.abort();
    this.#incoming = undefined;
  }

  async #save(incoming: Incoming): Promise<void> {
    const { identity, snapshots, failed } = this.#options;
    const { from, first, configuration, abort } = incoming;
    try {
      const context = encodeContext({ ...identity, configuration, isClaim: false });
      const meta = { lastIncluded: first.lastIncluded, context };
      const info = await snapshots.save(meta, this.#contentOf(incoming), { signal: abort.signal });
      if (this.#incoming !== incoming) return;
      this.#incoming = undefined;
      this.#complete(from, first, info, configuration);
    } catch (error) {
      if (this.#incoming === incoming) this.#incoming = undefined;
      if (!abort.signal.aborted) failed(error);
    }
  }

  #complete(from: string, first: SnapshotChunk, info: SnapshotInfo, configuration: Configuration): void {
    this.#options.received({ info, configuration });
    this.#answer(from, first, first.size, true);
  }

  async *#contentOf(incoming: Incoming): AsyncGenerator<Uint8Array, void, undefined> {
    while (incoming.consumed < incoming.first.size) {
      const data = incoming.held.shift();
      if (data === undefined) {
        await new Promise<void>((resolve) => {
          incoming.wake = resolve;
        });
        continue;
      }
      yield data;
      // Asked for more: the storage has used this piece up.
      incoming.consumed += data.length;
      if (incoming.consumed < incoming.first.size)
        this.#answer(incoming.from, incoming.first, incoming.consumed, false);
    }
  }

  #answer(to: string, { transfer }: SnapshotChunk, offset: number, installed: boolean): void {
    this.#options.send(to, { type: 'snapshot-progress', transfer, offset, installed });
  }
}

function isPartOf({ from, first }: Incoming, sender: string, chunk: SnapshotChunk): boolean {
  return from === sender && first.transfer === chunk.transfer;
}
