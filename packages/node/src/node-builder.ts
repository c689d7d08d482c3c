import { randomInt } from 'node:crypto';
import type { StorageEngine } from '@raftlog/core';
import { claimStorage } from './claim-storage.ts';
import { type Clock, SystemClock } from './clock.ts';
import { invalidConfig, type NodeConfig, type ResolvedConfig, resolveConfig } from './config.ts';
import { NodeError, stopError } from './errors.ts';
import { RaftNode } from './raft-node.ts';
import type { StateMachine } from './state-machine.ts';
import type { Transport } from './transport.ts';

/** Options of {@link NodeBuilder.storageEngine}. */
export interface StorageEngineOptions {
  /**
   * Take an engine that forgets everything at the end of the process. For tests, and for a node that never comes back under its old id: one that did could
   * vote twice in a term, and the others would count on entries that it lacks. Default: false.
   */
  readonly allowVolatile?: boolean;
  /** Close the engine when the node has closed, or when `build()` rejects. Default: false: whoever opens an engine closes it. */
  readonly closeWithNode?: boolean;
}

/** Options of {@link NodeBuilder}. */
export interface NodeBuilderOptions {
  /** Closes the node when it fires. */
  readonly signal?: AbortSignal;
}

/** The parts that a node can't do without. */
interface Required {
  readonly storageEngine: true;
  readonly stateMachine: true;
  readonly transport: true;
}

/**
 * Joins a node from its parts. `build()` type-checks only once the storage engine, the state machine and the transport are there.
 *
 * @example
 * ```ts
 * const node = await new NodeBuilder({ clusterId: 'orders', nodeId: 'node-1', members: { voters: ['node-1'] } })
 *   .storageEngine(await FileStorageEngine.open({ directory: 'data/node-1' }))
 *   .stateMachine(new KeyValueStateMachine())
 *   .transport(hub.transport('node-1'))
 *   .build();
 * await node.start();
 * ```
 */
export class NodeBuilder<Given = unknown> {
  /** Exists for the type-checker alone: what was given so far. */
  declare protected readonly given: Given;
  readonly #config: NodeConfig;
  readonly #signal: AbortSignal | undefined;
  #engine: StorageEngine | undefined;
  #engineOptions: StorageEngineOptions = {};
  #machine: StateMachine | undefined;
  #transport: Transport | undefined;
  #clock: Clock = new SystemClock();
  #randomInt: (below: number) => number = (below) => randomInt(below);

  constructor(config: NodeConfig, { signal }: NodeBuilderOptions = {}) {
    this.#config = config;
    this.#signal = signal;
  }

  /** Where the node keeps its log, its vote and its snapshots: any engine, open, and this node's alone. */
  storageEngine(
    engine: StorageEngine,
    options: StorageEngineOptions = {},
  ): NodeBuilder<Given & Pick<Required, 'storageEngine'>> {
    this.#engine = engine;
    this.#engineOptions = options;
    return this as unknown as NodeBuilder<Given & Pick<Required, 'storageEngine'>>;
  }

  /** What the cluster replicates. */
  stateMachine(machine: StateMachine): NodeBuilder<Given & Pick<Required, 'stateMachine'>> {
    this.#machine = machine;
    return this as unknown as NodeBuilder<Given & Pick<Required, 'stateMachine'>>;
  }

  /** How the node reaches the others. */
  transport(transport: Transport): NodeBuilder<Given & Pick<Required, 'transport'>> {
    this.#transport = transport;
    return this as unknown as NodeBuilder<Given & Pick<Required, 'transport'>>;
  }

  /** Another clock than the system's, such as a virtual one in a simulation. */
  clock(clock: Clock): this {
    this.#clock = clock;
    return this;
  }

  /** Another source of randomness than the system's: a whole number from 0 on, less than `below` (at most 2^32), each equally likely. */
  random(randomInt: (below: number) => number): this {
    this.#randomInt = randomInt;
    return this;
  }

  /**
   * Checks everything, and claims the storage if it is new. The node does nothing until its `start()`.
   *
   * Rejects with `NO_STORAGE_ENGINE`, `NO_STATE_MACHINE`, `NO_TRANSPORT`, `INVALID_CONFIG`, `VOLATILE_ENGINE`, `FOREIGN_STORAGE`, `STOPPED` if the signal
   * has fired, and with what the storage rejects with.
   */
  async build(this: NodeBuilder<Required>): Promise<RaftNode> {
    try {
      return await this.#build();
    } catch (error) {
      if (this.#engineOptions.closeWithNode) await this.#engine?.close();
      throw error;
    }
  }

  async #build(): Promise<RaftNode> {
    const engine = this.#engine;
    const machine = this.#machine;
    const transport = this.#transport;
    if (!isOpenEngine(engine)) throw noStorageEngine();
    if (machine === undefined) throw noStateMachine();
    if (transport === undefined) throw noTransport();
    const config = fitToEngine(resolveConfig(this.#config), this.#config, engine);
    const { allowVolatile = false, closeWithNode = false } = this.#engineOptions;
    if (engine.capabilities.durability === 'volatile' && !allowVolatile) throw volatileEngine(engine);
    if (this.#signal?.aborted) throw stopError('STOPPED', 'none', this.#signal.reason);
    await claimStorage(engine, config);
    const parts = { config, engine, machine, transport, clock: this.#clock, randomInt: this.#randomInt };
    return new RaftNode({ ...parts, closesEngine: closeWithNode }, this.#signal);
  }
}

// From JavaScript anything may come, a promise that nobody awaited first of all.
function isOpenEngine(engine: StorageEngine | undefined): engine is StorageEngine {
  return typeof engine?.write === 'function' && typeof engine.capabilities === 'object';
}

/** Entries are written whole, so none may be larger than the engine takes. */
function fitToEngine(config: ResolvedConfig, given: NodeConfig, { capabilities }: StorageEngine): ResolvedConfig {
  const { maxEntryBytes } = capabilities;
  const { limits } = config;
  if (limits.maxCommandBytes <= maxEntryBytes) return config;
  if (given.limits?.maxCommandBytes !== undefined) {
    throw invalidConfig(
      'limits.maxCommandBytes',
      limits.maxCommandBytes,
      `at most ${maxEntryBytes}, what ${capabilities.adaptor} takes`,
    );
  }
  return { ...config, limits: { ...limits, maxCommandBytes: maxEntryBytes } };
}

function noStorageEngine(): NodeError<'NO_STORAGE_ENGINE'> {
  return new NodeError(
    'NO_STORAGE_ENGINE',
    'The node has no storage engine. Call storageEngine(engine) with an open one, such as `await FileStorageEngine.open({ directory })`.',
    {},
  );
}

function noStateMachine(): NodeError<'NO_STATE_MACHINE'> {
  return new NodeError(
    'NO_STATE_MACHINE',
    'The node has no state machine. Call stateMachine(machine), such as `new KeyValueStateMachine()`.',
    {},
  );
}

function noTransport(): NodeError<'NO_TRANSPORT'> {
  return new NodeError(
    'NO_TRANSPORT',
    'The node has no transport. Call transport(transport), within one process that of an InMemoryHub.',
    {},
  );
}

function volatileEngine({ capabilities }: StorageEngine): NodeError<'VOLATILE_ENGINE'> {
  const { adaptor } = capabilities;
  return new NodeError(
    'VOLATILE_ENGINE',
    `${adaptor} forgets its vote and its log with the process, so that this node could vote twice in one term. Take a durable engine; or say storageEngine(engine, { allowVolatile: true }), if the node never comes back under its id.`,
    { adaptor },
  );
}
