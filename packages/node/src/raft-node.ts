/// <reference lib="esnext.disposable" preserve="true" />
import type { Capabilities, LogId } from '@raftlog/core';
import {
  type ChangeOptions,
  type Configuration,
  type MembershipChange,
  type PeerStatus,
  RaftCore,
  type Role,
} from '@raftlog/raft';
import { type Identity, NodeError, stopError } from './errors.ts';
import type { Consistency } from './reader.ts';
import { recoverStorage } from './recover-storage.ts';
import { type NodeParts, NodeRuntime } from './runtime.ts';

/** Ends the wait for an answer with `ABORTED`; it doesn't call back what was proposed. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** Options of {@link RaftNode.read}. */
export interface ReadCallOptions extends CallOptions {
  /** Default: `linearizable`. */
  readonly consistency?: Consistency;
}

/** A node at one moment. */
export interface NodeStatus extends Identity {
  readonly isRunning: boolean;
  readonly role: Role;
  readonly term: number;
  readonly leader: string | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly lastLog: LogId;
  /** Highest index that is durable here. */
  readonly storedIndex: number;
  /** The log begins after it. */
  readonly boundary: LogId;
  /** The latest in the log. */
  readonly configuration: Configuration;
  /** True: the log is damaged, and this node neither votes nor campaigns until a leader has sent what it lacks. */
  readonly damaged: boolean;
  /** Of a leader, by node id. */
  readonly peers: ReadonlyMap<string, PeerStatus>;
  readonly storage: {
    readonly capabilities: Capabilities;
    /** What the engine's `stats()` says, where it has one. */
    readonly stats: unknown;
  };
}

/**
 * One node of a Raft cluster, made by `NodeBuilder`.
 *
 * All methods but `status()` are asynchronous and reject with a {@link NodeError}; none throws synchronously.
 */
export class RaftNode implements AsyncDisposable {
  readonly #parts: NodeParts;
  readonly #signal: AbortSignal | undefined;
  // Nobody waits for it: who calls close() is told what has failed.
  readonly #onAbort = (): void => void this.close().catch(() => undefined);
  readonly #stopped = new AbortController();
  #runtime: NodeRuntime | undefined;
  #isStarted = false;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** For {@link NodeBuilder}, which has checked and claimed everything. */
  constructor(parts: NodeParts, signal: AbortSignal | undefined) {
    this.#parts = parts;
    this.#signal = signal;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get clusterId(): string {
    return this.#parts.config.clusterId;
  }

  get nodeId(): string {
    return this.#parts.config.nodeId;
  }

  /**
   * Fires once, when the node has begun to stop; `reason` is a `NodeError`: `STOPPED` if it was told to, otherwise `STORAGE_FAILED`,
   * `STATE_MACHINE_FAILED` or `INVARIANT_VIOLATED`, with the cause. A node that has stopped can't be started again: build a new one.
   */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /**
   * Finishes what a crash has interrupted, restores the state machine, and takes part in the cluster. Idempotent. It doesn't wait for a leader: `propose` and
   * `read` do.
   *
   * Rejects with `DAMAGED_STORAGE`, `STATE_MACHINE_AHEAD`, `STOPPED`, and with whatever the storage, the state machine or the transport reject with.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { config, engine, machine, randomInt } = this.#parts;
    if (this.#closing !== undefined) throw stopError('STOPPED', 'none');
    const recovered = await recoverStorage(engine, machine);
    const hardState = await engine.metaStore.loadHardState();
    if (this.#closing !== undefined) throw stopError('STOPPED', 'none');
    const core = new RaftCore({
      id: config.nodeId,
      hardState,
      log: recovered.log,
      appliedIndex: recovered.appliedIndex,
      randomInt,
      electionTicks: config.electionTicks,
      heartbeatTicks: config.heartbeatTicks,
      leaseMarginTicks: config.leaseMarginTicks,
      maxMessageBytes: config.limits.maxMessageBytes,
      maxInFlightMessages: config.limits.maxInFlightMessages,
      maxInFlightBytes: config.limits.maxInFlightBytes,
      maxUncommittedBytes: config.limits.maxUncommittedBytes,
    });
    const runtime = new NodeRuntime(this.#parts, core, recovered);
    runtime.stopped.addEventListener('abort', () => this.#stopped.abort(runtime.stopped.reason), { once: true });
    // Before it has started: close() has to stop it, wherever its start fails.
    this.#runtime = runtime;
    await runtime.start();
    this.#isStarted = true;
  }

  /**
   * Proposes a command. Resolves with the state machine's result when it is committed and applied here, or, if it was forwarded, on the leader.
   *
   * Rejects with `NOT_LEADER`, `BUSY`, `TOO_LARGE`, `PROPOSAL_DROPPED`: it has no effect and never will; `LEADERSHIP_LOST`: that is not known; `TIMED_OUT`,
   * `ABORTED`, `STOPPED`, `STORAGE_FAILED`, `STATE_MACHINE_FAILED`, `INVARIANT_VIOLATED`: `details.outcome` says whether it is. `mayBeCommitted(error)`
   * tells the two apart.
   */
  async propose(command: Uint8Array, { signal }: CallOptions = {}): Promise<Uint8Array> {
    return this.#running().proposer.propose(command, signal);
  }

  /**
   * Asks the state machine of this node, when it has everything that a read of this consistency must see. Rejects with `NOT_LEADER` where this node
   * isn't to forward, `BUSY`, `TIMED_OUT`, `ABORTED`, `STOPPED` and the like, and with what the state machine throws.
   */
  async read(query: Uint8Array, { consistency = 'linearizable', signal }: ReadCallOptions = {}): Promise<Uint8Array> {
    return this.#running().reader.read(query, consistency, signal);
  }

  /**
   * Adds and removes nodes, makes voters of learners and the other way round, in one step where that is safe, otherwise through a joint configuration. Resolves
   * with the new configuration when it is committed. Only the leader does this: elsewhere `NOT_LEADER`. Rejects with `CHANGE_PENDING`, `INVALID_CHANGE`, and
   * as `propose` does.
   *
   * A node that is added starts with `members: 'join'` and an empty storage. Add it as a learner first, and make it a voter when it has caught up.
   */
  async changeMembership(
    changes: readonly MembershipChange[],
    { signal, ...options }: ChangeOptions & CallOptions = {},
  ): Promise<Configuration> {
    return this.#running().administration.changeMembership(changes, options, signal);
  }

  /**
   * Hands leadership to another voter. Resolves when that one leads. Only the leader does this: elsewhere `NOT_LEADER`. Rejects with `INVALID_CHANGE` where it
   * can't, or doesn't within an election timeout.
   */
  async transferLeadership(to: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#running().administration.transferLeadership(to, signal);
  }

  /** How the node is; made anew for each call. After it has stopped: how it was then. Throws `NOT_STARTED` before `start()` has resolved. */
  status(): NodeStatus {
    const { applier, core } = this.#started();
    const { engine } = this.#parts;
    const status = core.status();
    const { role, term, leader, commitIndex, lastLog, storedIndex, boundary, configuration, damaged, peers } = status;
    return {
      clusterId: this.clusterId,
      nodeId: this.nodeId,
      isRunning: !this.stopped.aborted,
      role,
      term,
      leader,
      commitIndex,
      appliedIndex: applier.appliedIndex,
      lastLog,
      storedIndex,
      boundary,
      configuration,
      damaged,
      peers,
      storage: { capabilities: engine.capabilities, stats: statsOf(engine) },
    };
  }

  /**
   * Stops: rejects what is in flight, waits until the storage has all that it was given, and leaves it clean. The engine stays open, unless
   * `storageEngine(engine, { closeWithNode: true })` has said otherwise; the transport is closed. Idempotent; resolves when nothing touches the storage any
   * more.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    await this.#starting?.catch(() => undefined);
    if (this.#runtime !== undefined) return this.#runtime.stop('STOPPED');
    this.#stopped.abort(stopError('STOPPED', 'none'));
    try {
      await this.#parts.transport.close();
    } finally {
      if (this.#parts.closesEngine) await this.#parts.engine.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #running(): NodeRuntime {
    if (this.stopped.aborted) throw this.stopped.reason;
    return this.#started();
  }

  #started(): NodeRuntime {
    if (this.#runtime === undefined || !this.#isStarted)
      throw new NodeError('NOT_STARTED', 'The node is not started. Await start() first.', {});
    return this.#runtime;
  }
}

function statsOf(engine: object): unknown {
  return 'stats' in engine && typeof engine.stats === 'function' ? engine.stats() : undefined;
}
