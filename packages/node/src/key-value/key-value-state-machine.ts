import type { Entry } from '@raftlog/core';
import type { StateMachine } from '../state-machine.ts';
import { ClientSessions } from './client-sessions.ts';
import { decodeKeyValueCommand, encodeKeyValueResult, type KeyValueOperation, type KeyValueResult } from './codec.ts';
import { readState, writeState } from './snapshot-format.ts';

/** Options of {@link KeyValueStateMachine}; the same on all nodes of a cluster, for they decide what commands do. */
export interface KeyValueOptions {
  /** Client sessions that are remembered; beyond that, the one used longest ago is forgotten. Default: 10,000. */
  readonly maxSessions?: number;
}

const DEFAULT_MAX_SESSIONS = 10_000;

/**
 * A key-value store in memory: get, put, delete, compare-and-set; each at most once where the command carries a session's mark.
 *
 * `snapshot()` copies the references to all pairs at the call, which takes about a tenth of a microsecond for each.
 */
export class KeyValueStateMachine implements StateMachine {
  /** Nothing outlives the process: the node restores it. */
  readonly lastApplied: number = 0;
  /** Values are never changed, only replaced: what a snapshot refers to stays as it is. */
  #pairs = new Map<string, Uint8Array>();
  readonly #maxSessions: number;
  #sessions: ClientSessions;

  constructor({ maxSessions = DEFAULT_MAX_SESSIONS }: KeyValueOptions = {}) {
    if (!Number.isSafeInteger(maxSessions) || maxSessions < 1)
      throw new RangeError(`maxSessions must be a whole number, 1 or more, not ${String(maxSessions)}.`);
    this.#maxSessions = maxSessions;
    this.#sessions = new ClientSessions(maxSessions);
  }

  apply(commands: readonly Entry[]): readonly Uint8Array[] {
    return commands.map((entry) => this.#applyOne(entry));
  }

  #applyOne({ index, data }: Entry): Uint8Array {
    const command = decodeKeyValueCommand(data);
    if (command === undefined) return encodeKeyValueResult({ kind: 'malformed' });
    // The place in the log is the same on all nodes, and nobody else's.
    if (command.op === 'register') return this.#register(index);
    if (command.mark === undefined) return encodeKeyValueResult(this.#carryOut(command));
    const result = this.#sessions.once(command.mark, () => encodeKeyValueResult(this.#carryOut(command)));
    return typeof result === 'string' ? encodeKeyValueResult({ kind: result }) : result;
  }

  #register(session: number): Uint8Array {
    this.#sessions.add({ id: session, firstOpen: 1, results: new Map() });
    return encodeKeyValueResult({ kind: 'registered', session });
  }

  #carryOut(operation: KeyValueOperation): KeyValueResult {
    const { key } = operation;
    const held = this.#pairs.get(key);
    switch (operation.op) {
      case 'get':
        return { kind: 'value', value: held };
      case 'put':
        this.#set(key, operation.value);
        return { kind: 'value', value: held };
      case 'delete':
        this.#set(key, undefined);
        return { kind: 'value', value: held };
      case 'compare-and-set': {
        const isSet = isSame(held, operation.expected);
        if (isSet) this.#set(key, operation.value);
        return { kind: 'compared', isSet, value: isSet ? operation.value : held };
      }
    }
  }

  #set(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.#pairs.delete(key);
    else this.#pairs.set(key, value);
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return writeState({ pairs: [...this.#pairs], sessions: this.#sessions.copy() });
  }

  async restore(snapshot: AsyncIterable<Uint8Array>): Promise<void> {
    const pairs = new Map<string, Uint8Array>();
    const sessions = new ClientSessions(this.#maxSessions);
    await readState(snapshot, {
      pair: (key, value) => pairs.set(key, value),
      session: (session) => sessions.add(session),
    });
    // Only now: a snapshot that turns out to be damaged leaves the state as it was.
    this.#pairs = pairs;
    this.#sessions = sessions;
  }

  query(query: Uint8Array): Uint8Array {
    const command = decodeKeyValueCommand(query);
    if (command?.op !== 'get') throw new TypeError('A query is a get. Encode it with encodeKeyValueQuery().');
    return encodeKeyValueResult({ kind: 'value', value: this.#pairs.get(command.key) });
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return Buffer.compare(a, b) === 0;
}
