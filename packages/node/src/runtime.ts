import type { Entry, LogId, SnapshotInfo, StorageEngine } from '@raftlog/core';
import {
  isRaftError,
  type Leadership,
  type Message,
  type MessageAfter,
  type RaftCore,
  type Ready,
} from '@raftlog/raft';
import { Administration } from './administration.ts';
import { Applier } from './applier.ts';
import type { Clock } from './clock.ts';
import { Compactor } from './compactor.ts';
import type { ResolvedConfig } from './config.ts';
import type { CoreHost } from './core-host.ts';
import { forgetDamage } from './damage-note.ts';
import { NodeDiagnostics } from './diagnostics.ts';
import { EntryReader } from './entry-reader.ts';
import { type StopCode, stopError } from './errors.ts';
import { LogWriter } from './log-writer.ts';
import type { Envelope, NodeMessage } from './node-message.ts';
import { Proposer } from './proposer.ts';
import { Reader } from './reader.ts';
import type { RecoveredStorage } from './recover-storage.ts';
import { Requests } from './request.ts';
import type { StateSnapshot } from './snapshot-context.ts';
import { SnapshotReceiver } from './snapshot-receiver.ts';
import { SnapshotSender } from './snapshot-sender.ts';
import { SnapshotTaker } from './snapshot-taker.ts';
import type { StateMachine } from './state-machine.ts';
import { Ticker } from './ticker.ts';
import type { Transport } from './transport.ts';

/** What a node is joined from. */
export interface NodeParts {
  readonly config: ResolvedConfig;
  readonly engine: StorageEngine;
  readonly machine: StateMachine;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly randomInt: (below: number) => number;
  readonly closesEngine: boolean;
}

/**
 * A node that runs: hands inputs to the core, and carries out what the core says, in the turn in which it says it. Everything that waits is a part of
 * its own, and comes back with an input.
 */
export class NodeRuntime implements CoreHost {
  readonly proposer: Proposer;
  readonly reader: Reader;
  readonly administration: Administration;
  readonly applier: Applier;
  readonly core: RaftCore;
  readonly #parts: NodeParts;
  readonly #diagnostics: NodeDiagnostics;
  readonly #requests: Requests;
  readonly #ticker: Ticker;
  readonly #writer: LogWriter;
  readonly #entries: EntryReader;
  readonly #taker: SnapshotTaker;
  readonly #compactor: Compactor;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #snapshotAbort = new AbortController();
  readonly #stopped = new AbortController();
  readonly #onEngineFailure = (): void => this.fail('STORAGE_FAILED', this.#parts.engine.failure.reason);
  /** Messages that wait for a write, by its id, ascending. */
  readonly #afterWrites = new Map<number, Message[]>();
  #isPumpDue = false;
  /** The log lacks what this node may have acknowledged. */
  #isDamaged: boolean;
  #commitIndex = 0;
  #stopping: Promise<void> | undefined;
  #forgetting: Promise<void> = Promise.resolve();

  constructor(parts: NodeParts, core: RaftCore, recovered: RecoveredStorage) {
    const { config, engine, machine, clock } = parts;
    const { limits, snapshots: policy } = config;
    this.#parts = parts;
    this.core = core;
    this.#isDamaged = core.status().damaged;
    this.#diagnostics = new NodeDiagnostics(config);
    this.#requests = new Requests(clock, { timeoutMs: config.requestTimeoutMs, limit: limits.maxWaiting });
    this.#ticker = new Ticker(clock, config, {
      ticks: (count) => this.#tickCore(count),
      tick: () => this.#tickParts(),
    });
    this.#writer = new LogWriter(engine, {
      stored: (id) => this.#stored(id),
      failed: (error) => this.fail('STORAGE_FAILED', error),
    });
    this.#entries = new EntryReader(engine.logStore, this.#writer, {
      read: (order, entries) => this.#send(this.input((input) => input.fill(order, entries))),
      failed: (error) => this.#problem('read entries for a peer', error),
    });
    this.applier = new Applier(
      engine,
      machine,
      {
        applied: (entries, results) => this.#applied(entries, results),
        restored: (snapshot) => this.#restored(snapshot),
        failed: (error) => this.fail('STATE_MACHINE_FAILED', error),
        unreadable: (error) => this.fail('STORAGE_FAILED', error),
      },
      { appliedIndex: recovered.appliedIndex, batchBytes: limits.applyBatchBytes },
    );
    const session = parts.randomInt(2 ** 32);
    this.proposer = new Proposer({
      host: this,
      requests: this.#requests,
      send: (to, message) => this.#sendTo(to, message),
      isCongested: () => this.#writer.isCongested,
      forward: config.forward,
      maxCommandBytes: limits.maxCommandBytes,
      maxUncommittedBytes: limits.maxUncommittedBytes,
      session,
      firstTerm: core.status().term,
    });
    this.reader = new Reader({
      host: this,
      requests: this.#requests,
      machine,
      forward: config.forward,
      appliedIndex: () => (this.applier.isRestoring ? undefined : this.applier.appliedIndex),
      catchUp: () => this.#ticker.catchUp(),
    });
    this.administration = new Administration(this, this.#requests);
    const sinceSnapshot = recovered.appliedIndex - (recovered.snapshot?.info.lastIncluded.index ?? 0);
    this.#taker = new SnapshotTaker(
      {
        identity: config,
        engine,
        machine,
        policy,
        configurationAt: (index) => this.input((input) => input.configurationAt(index)),
        signal: this.#snapshotAbort.signal,
        taken: (snapshot) => this.#snapshotTaken(snapshot),
        failed: (error) => this.#problem('take a snapshot', error),
      },
      sinceSnapshot,
    );
    this.#compactor = new Compactor({
      engine,
      policy,
      inUse: () => new Set([...this.#sender.inUse, ...this.applier.inUse]),
      appliedIndex: () => this.applier.appliedIndex,
      purge: (boundary) => this.#purge(boundary),
      failed: (error) => this.#problem('compact the log', error),
    });
    this.#sender = new SnapshotSender({
      snapshots: engine.snapshotStore,
      send: (to, message) => this.#sendTo(to, message),
      chunkBytes: policy.chunkBytes,
      retryTicks: config.electionTicks,
      session,
      ended: (order, lastIncluded) => this.input((input) => input.snapshotSent(order, lastIncluded)),
      sent: ({ info }) => this.#tellSnapshot('sent', info),
      failed: (error) => this.#problem('send a snapshot', error),
    });
    this.#receiver = new SnapshotReceiver({
      identity: config,
      snapshots: engine.snapshotStore,
      send: (to, message) => this.#sendTo(to, message),
      idleTicks: config.electionTicks * 10,
      commitIndex: () => this.core.status().commitIndex,
      received: (snapshot) => this.#install(snapshot),
      failed: (error) => this.#problem('receive a snapshot', error),
    });
  }

  /** Fires when the node has begun to stop; its reason says why. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  async start(): Promise<void> {
    const { engine, transport } = this.#parts;
    if (engine.failure.aborted) this.#onEngineFailure();
    engine.failure.addEventListener('abort', this.#onEngineFailure, { once: true });
    if (this.stopped.aborted) throw this.stopped.reason;
    await transport.start(
      (envelope) => this.#receive(envelope),
      (peer) => this.input((core) => core.reportUnreachable(peer)),
    );
    if (this.stopped.aborted) throw this.stopped.reason;
    this.#ticker.start();
    this.#schedulePump();
  }

  input<Result>(run: (core: RaftCore) => Result): Result | undefined {
    if (this.stopped.aborted) return undefined;
    try {
      const result = run(this.core);
      this.#schedulePump();
      return result;
    } catch (error) {
      this.#coreFailed(error);
      return undefined;
    }
  }

  /** What makes no sense is dropped; what must not be stops the node. */
  #coreFailed(error: unknown): void {
    if (isRaftError(error, 'MALFORMED_MESSAGE') || isRaftError(error, 'MALFORMED_CONFIGURATION')) {
      this.#problem('take a message', error);
    } else this.fail('INVARIANT_VIOLATED', error);
  }

  fail(code: StopCode, cause: unknown): void {
    void this.stop(code, cause);
  }

  /** Ends what is in flight, and resolves when nothing touches the storage any more. */
  stop(code: StopCode, cause?: unknown): Promise<void> {
    this.#stopping ??= this.#stop(code, cause).catch((error: unknown) => this.#problem('stop', error));
    return this.#stopping;
  }

  async #stop(code: StopCode, cause: unknown): Promise<void> {
    const { engine, transport, closesEngine } = this.#parts;
    const error = stopError(code, 'none', cause);
    this.#ticker.stop();
    this.#requests.stop(code, cause);
    // They have a place in the log, and may be committed without this node. What was forwarded here is answered before the way is closed.
    this.proposer.pending.stop(stopError(code, 'unknown', cause));
    this.#stopped.abort(error);
    this.#snapshotAbort.abort(error);
    this.#sender.stop();
    engine.failure.removeEventListener('abort', this.#onEngineFailure);
    this.#diagnostics.publish('stop', () => ({ error }));
    await transport.close().catch((failure: unknown) => this.#problem('close the transport', failure));
    await Promise.all([
      this.applier.stop(),
      this.#taker.stop(),
      this.#compactor.stop(),
      this.#receiver.stop(),
      this.#writer.stop(),
      this.#forgetting,
    ]);
    try {
      if (code === 'STOPPED' && !engine.failure.aborted) await engine.logStore.flush();
    } finally {
      // Whatever else fails: its lock would outlive the node.
      if (closesEngine) await engine.close();
    }
  }

  #schedulePump(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    // After the inputs of this turn: they share one write.
    queueMicrotask(() => this.#pump());
  }

  #pump(): void {
    this.#isPumpDue = false;
    if (this.stopped.aborted) return;
    try {
      this.#carryOut(this.core.ready());
    } catch (error) {
      this.#coreFailed(error);
    }
  }

  #carryOut(ready: Ready): void {
    if (ready.write !== undefined) this.#writer.write(ready.write);
    for (const message of ready.messages) this.#send(message);
    for (const message of ready.messagesAfter) this.#sendAfter(message);
    for (const order of ready.appends) void this.#entries.read(order);
    for (const order of ready.snapshots) void this.#sender.send(order);
    const { commitIndex } = ready;
    if (commitIndex > this.#commitIndex) this.#diagnostics.publish('commit', () => ({ commitIndex }));
    this.#commitIndex = commitIndex;
    if (ready.leadership !== undefined) this.#leadershipChanged(ready.leadership);
    const { configuration } = ready;
    if (configuration !== undefined) this.#diagnostics.publish('membership', () => ({ configuration }));
    this.applier.advance(ready.applicable);
    for (const read of ready.reads) this.reader.ready(read);
    for (const read of ready.refusedReads) this.reader.refused(read);
    if (this.#isDamaged && !this.core.status().damaged) this.#healed();
  }

  /** Until the note is gone, a restart begins with a damaged log again, which does no harm. */
  #healed(): void {
    this.#isDamaged = false;
    this.#forgetting = forgetDamage(this.#parts.engine.snapshotStore).catch((error: unknown) =>
      this.#problem('forget the damage', error),
    );
  }

  #leadershipChanged(leadership: Leadership): void {
    this.#diagnostics.publish('leadership', () => leadership);
    if (leadership.role !== 'leader') this.#sender.stop();
    this.proposer.leadershipChanged(leadership, this.#commitIndex);
    this.administration.leadershipChanged(leadership, this.#commitIndex);
  }

  #sendAfter({ writeId, message }: MessageAfter): void {
    if (writeId <= this.#writer.storedId) {
      this.#send(message);
      return;
    }
    const waiting = this.#afterWrites.get(writeId) ?? [];
    this.#afterWrites.set(writeId, waiting);
    waiting.push(message);
  }

  #stored(writeId: number): void {
    for (const [id, messages] of this.#afterWrites) {
      if (id > writeId) continue;
      this.#afterWrites.delete(id);
      for (const message of messages) this.#send(message);
    }
    this.input((core) => core.stored(writeId));
  }

  #send(message: Message | undefined): void {
    if (message !== undefined) this.#sendTo(message.to, message);
  }

  #sendTo(to: string, message: NodeMessage): void {
    if (this.stopped.aborted) return;
    const { config, transport } = this.#parts;
    transport.send({ clusterId: config.clusterId, from: config.nodeId, to, message });
  }

  #receive({ clusterId, from, to, message }: Envelope): void {
    const { config } = this.#parts;
    if (this.stopped.aborted || clusterId !== config.clusterId || to !== config.nodeId) return;
    try {
      // A process that was held up may read its socket before its timers run. Dated back to before the pause, a heartbeat would bind this node for less
      // time than the leader's lease, which it confirms, lasts.
      this.#ticker.catchUp();
      if (message.type === 'proposal-request') this.proposer.requested(from, message);
      else if (message.type === 'proposal-response') this.proposer.answered(from, message);
      else if (message.type === 'snapshot-chunk') this.#receiver.step(from, message);
      else if (message.type === 'snapshot-progress') this.#sender.progressed(from, message);
      else if (message.from === from) this.input((core) => core.step(message));
    } catch (error) {
      this.#problem('take a message', error);
    }
  }

  #applied(entries: readonly Entry[], results: readonly Uint8Array[]): void {
    this.input((core) => core.applied(this.applier.appliedIndex));
    // Where a snapshot has just replaced the log, the core knows the configuration of that one only, and it is newer than this state.
    if (!this.applier.isRestoring) this.#taker.applied(entries);
    this.proposer.pending.applied(entries, results);
    this.administration.applied(entries);
    this.reader.applied();
  }

  #restored(snapshot: SnapshotInfo): void {
    this.#tellSnapshot('restored', snapshot);
    this.input((core) => core.applied(this.applier.appliedIndex));
    this.#taker.restored(snapshot.lastIncluded);
    this.proposer.pending.skipped(snapshot.lastIncluded.index);
    this.administration.skipped(snapshot.lastIncluded.index);
    this.reader.applied();
    this.#compactor.compact();
  }

  /** A snapshot from the leader is saved (Raft paper, figure 13). After a crash before the reset is durable, the start does it again. */
  #install({ info, configuration }: StateSnapshot): void {
    this.#tellSnapshot('received', info);
    const { lastIncluded } = info;
    // What the core had to say before is carried out first; it speaks of the log as it was.
    this.#pump();
    const outcome = this.input((core) => core.installSnapshot({ lastIncluded, configuration }));
    if (outcome === 'log-reset') {
      this.#writer.change(() => this.#parts.engine.logStore.reset(lastIncluded));
      this.applier.restore(info);
    } else this.#compactor.compact();
  }

  #snapshotTaken(snapshot: SnapshotInfo): void {
    this.#tellSnapshot('taken', snapshot);
    this.#compactor.compact();
  }

  #purge(boundary: LogId): void {
    this.#pump();
    this.input((core) => core.compacted(boundary));
    this.#writer.change(() => this.#parts.engine.logStore.purge(boundary));
    this.#diagnostics.publish('compaction', () => ({ boundary }));
  }

  #tickCore(count: number): void {
    this.input((core) => {
      for (let tick = 0; tick < count; tick++) core.tick();
    });
  }

  #tickParts(): void {
    this.#requests.tick();
    this.proposer.tick();
    this.reader.tick();
    this.administration.tick();
    this.#sender.tick();
    this.#receiver.tick();
  }

  #tellSnapshot(what: 'taken' | 'sent' | 'received' | 'restored', { lastIncluded, size }: SnapshotInfo): void {
    this.#diagnostics.publish('snapshot', () => ({ what, lastIncluded, bytes: size }));
  }

  #problem(operation: string, error: unknown): void {
    this.#diagnostics.publish('problem', () => ({ operation, error }));
  }
}
