import { mayBeCommitted } from '../errors.ts';
import type { CallOptions, RaftNode, ReadCallOptions } from '../raft-node.ts';
import {
  decodeKeyValueResult,
  encodeKeyValueCommand,
  encodeKeyValueQuery,
  type KeyValueOperation,
  type KeyValueResult,
} from './codec.ts';

/** The node that a client asks: any of the cluster. */
export type KeyValueNode = Pick<RaftNode, 'propose' | 'read'>;

type ResultOf<Kind extends KeyValueResult['kind']> = Extract<KeyValueResult, { readonly kind: Kind }>;

interface OpenWrite {
  readonly operation: KeyValueOperation;
  hasRejected: boolean;
}

/** A write that was proposed again, and what it has come to. */
export type RetriedWrite =
  | { readonly operation: KeyValueOperation; readonly result: KeyValueResult }
  | { readonly operation: KeyValueOperation; readonly error: unknown };

/**
 * A client session of a {@link KeyValueStateMachine}: a write that failed with its fate unknown is made again with {@link KeyValueClient.retry}, and takes effect once.
 *
 * @example
 * ```ts
 * const client = await KeyValueClient.open(node);
 * await client.put('x', Buffer.from('1'));
 * const value = await client.get('x');
 * ```
 */
export class KeyValueClient {
  readonly #session: number;
  #node: KeyValueNode;
  #nextSequence = 1;
  readonly #open = new Map<number, OpenWrite>();

  private constructor(node: KeyValueNode, session: number) {
    this.#node = node;
    this.#session = session;
  }

  /** Opens a session. One that was opened and not used, because the answer was lost, goes with time. */
  static async open(node: KeyValueNode, options: CallOptions = {}): Promise<KeyValueClient> {
    const answer = await node.propose(encodeKeyValueCommand({ op: 'register' }), options);
    return new KeyValueClient(node, expectKind(decodeKeyValueResult(answer), 'registered').session);
  }

  /** Asks another node from now on, such as after this one has stopped. The session stays. */
  use(node: KeyValueNode): void {
    this.#node = node;
  }

  /** What the key holds; with the consistency of `RaftNode.read`. */
  async get(key: string, options: ReadCallOptions = {}): Promise<Uint8Array | undefined> {
    const answer = await this.#node.read(encodeKeyValueQuery(key), options);
    return expectKind(decodeKeyValueResult(answer), 'value').value;
  }

  /** Resolves with what the key held before. */
  async put(key: string, value: Uint8Array, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    return expectKind(await this.#write({ op: 'put', key, value }, options), 'value').value;
  }

  /** Resolves with what the key held before. */
  async delete(key: string, options: CallOptions = {}): Promise<Uint8Array | undefined> {
    return expectKind(await this.#write({ op: 'delete', key }, options), 'value').value;
  }

  /** Sets the key to `value` if it holds `expected`; `undefined` stands for a key that isn't there. Resolves with what it holds now, and whether it was set. */
  async compareAndSet(
    key: string,
    expected: Uint8Array | undefined,
    value: Uint8Array | undefined,
    options: CallOptions = {},
  ): Promise<{ readonly isSet: boolean; readonly value: Uint8Array | undefined }> {
    const { isSet, value: held } = expectKind(
      await this.#write({ op: 'compare-and-set', key, expected, value }, options),
      'compared',
    );
    return { isSet, value: held };
  }

  /**
   * Proposes all writes again whose fate is not known: their calls have rejected with an error for which `mayBeCommitted` is true. Resolves with what each has
   * come to, in the order in which they were made: with a result it has taken effect, once; with an error it stays open, and the next `retry` tries it again.
   */
  async retry(options: CallOptions = {}): Promise<readonly RetriedWrite[]> {
    // Of a write that is still under way the first proposal may end without effect, and the second one with its fate unknown.
    const open = [...this.#open].filter(([, { hasRejected }]) => hasRejected);
    return Promise.all(
      open.map(([sequence, { operation }]) =>
        this.#propose(sequence, operation, options).then(
          (result) => ({ operation, result }),
          (error: unknown) => ({ operation, error }),
        ),
      ),
    );
  }

  #write(operation: KeyValueOperation, options: CallOptions): Promise<KeyValueResult> {
    const sequence = this.#nextSequence++;
    const write = { operation, hasRejected: false };
    this.#open.set(sequence, write);
    return this.#propose(sequence, operation, options).catch((error: unknown) => {
      // Only of the first proposal: that a later one has no effect says nothing of those before it.
      if (!mayBeCommitted(error)) this.#open.delete(sequence);
      write.hasRejected = true;
      throw error;
    });
  }

  async #propose(sequence: number, operation: KeyValueOperation, options: CallOptions): Promise<KeyValueResult> {
    const [firstOpen = sequence] = this.#open.keys();
    const mark = { session: this.#session, sequence, firstOpen };
    const answer = await this.#node.propose(encodeKeyValueCommand({ ...operation, mark }), options);
    const result = decodeKeyValueResult(answer);
    // That there was no room for it at this place of the log says nothing of an earlier proposal of it, which may come to a later one.
    const isOpen = result.kind === 'too-many-open' && this.#open.get(sequence)?.hasRejected === true;
    if (!isOpen) this.#open.delete(sequence);
    return result;
  }
}

function expectKind<Kind extends KeyValueResult['kind']>(result: KeyValueResult, kind: Kind): ResultOf<Kind> {
  if (result.kind === kind) return result as ResultOf<Kind>;
  throw new Error(
    result.kind === 'session-expired'
      ? 'The session has expired: whether the command took effect before is not known. Open a new one.'
      : `The state machine has answered ${result.kind} instead of ${kind}.`,
  );
}
