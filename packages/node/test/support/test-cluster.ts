import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageEngine } from '@raftlog/core';
import { onTestFinished } from 'vitest';
import {
  InMemoryHub,
  KeyValueStateMachine,
  NodeBuilder,
  type NodeConfig,
  type RaftNode,
  type StateMachine,
} from '../../src/index.ts';
import { type EngineKind, MEMORY } from './engines.ts';
import { ManualClock } from './manual-clock.ts';

interface Member {
  readonly node: RaftNode;
  readonly engine: StorageEngine;
}

/** Settings of a {@link TestCluster}. */
export interface ClusterOptions {
  readonly engine?: EngineKind;
  readonly config?: Partial<NodeConfig>;
  readonly machine?: () => StateMachine;
}

/** Nodes of one process on a clock that the test moves. */
export class TestCluster {
  readonly clock = new ManualClock();
  readonly hub = new InMemoryHub();
  readonly #voters: readonly string[];
  readonly #kind: EngineKind;
  readonly #options: ClusterOptions;
  readonly #directory: string;
  readonly #members = new Map<string, Member>();
  /** Seeded: a test is the same each time, as far as the disk allows. */
  #random = 42;

  constructor(size: number, options: ClusterOptions = {}) {
    this.#voters = Array.from({ length: size }, (_, position) => `n${position + 1}`);
    this.#kind = options.engine ?? MEMORY;
    this.#options = options;
    this.#directory = mkdtempSync(join(tmpdir(), 'raftlog-node-'));
    onTestFinished(async () => {
      for (const { node, engine } of this.#members.values()) {
        await node.close();
        await engine.close();
      }
      rmSync(this.#directory, { recursive: true, force: true });
    });
  }

  static async started(size: number, options: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(size, options);
    for (const id of cluster.#voters) await cluster.start(id);
    return cluster;
  }

  /** Starts a node, for the first time or again. `engine`: one that is open. */
  async start(id: string, config: Partial<NodeConfig> = {}, engine?: StorageEngine): Promise<RaftNode> {
    const storage = engine ?? (await this.open(id));
    this.#attend(storage);
    const node = await this.builder(id, storage, config).build();
    this.#members.set(id, { node, engine: storage });
    await node.start();
    return node;
  }

  /** Makes the clock wait for the writes of an engine. */
  #attend(engine: StorageEngine): void {
    const { logStore } = engine;
    const [write, flush] = [engine.write.bind(engine), logStore.flush.bind(logStore)];
    engine.write = (batch) => this.clock.waitFor(write(batch));
    logStore.flush = () => this.clock.waitFor(flush());
  }

  open(id: string): Promise<StorageEngine> {
    return this.#kind.open(this.place(id));
  }

  /** The directory of a node's storage. */
  place(id: string): string {
    return join(this.#directory, id);
  }

  /** All that a node needs. */
  builder(id: string, engine: StorageEngine, config: Partial<NodeConfig> = {}): CompleteBuilder {
    const machine = this.#options.machine?.() ?? new KeyValueStateMachine();
    const all: NodeConfig = {
      clusterId: 'test',
      nodeId: id,
      members: { voters: this.#voters },
      ...this.#options.config,
      ...config,
    };
    return new NodeBuilder(all)
      .storageEngine(engine, { allowVolatile: true })
      .stateMachine(machine)
      .transport(this.hub.transport(id))
      .clock(this.clock)
      .random(this.randomInt);
  }

  /** A number from 0 on, less than `below`. */
  readonly randomInt = (below: number): number => {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#random / 2 ** 32) * below);
  };

  /** Stops a node; its storage is closed too, where that keeps what it holds. */
  async stop(id: string): Promise<StorageEngine | undefined> {
    const { node, engine } = this.member(id);
    this.#members.delete(id);
    await node.close();
    if (this.#kind.isVolatile) return engine;
    await engine.close();
    return undefined;
  }

  /** Stops a node and starts it on what it had stored. */
  async restart(id: string, config: Partial<NodeConfig> = {}): Promise<RaftNode> {
    return this.start(id, config, await this.stop(id));
  }

  member(id: string): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`${id} doesn't run.`);
    return member;
  }

  node(id: string): RaftNode {
    return this.member(id).node;
  }

  get nodes(): readonly RaftNode[] {
    return [...this.#members.values()].map(({ node }) => node);
  }

  /** The node that leads, in the highest term, when one does and has committed an entry of it. */
  async leader(among: readonly RaftNode[] = this.nodes): Promise<RaftNode> {
    const leading = (): RaftNode | undefined =>
      among.find((node) => {
        const { isRunning, role, commitIndex, lastLog } = node.status();
        return isRunning && role === 'leader' && commitIndex === lastLog.index;
      });
    await this.clock.until(() => leading() !== undefined, 'a leader');
    return leading()!;
  }

  async follower(): Promise<RaftNode> {
    const leader = await this.leader();
    return this.nodes.find((node) => node !== leader)!;
  }

  /** Until all nodes have applied the same. */
  async level(): Promise<void> {
    await this.clock.until(() => {
      const applied = this.nodes.map((node) => node.status().appliedIndex);
      const commits = this.nodes.map((node) => node.status().lastLog.index);
      return new Set([...applied, ...commits]).size === 1;
    }, 'level nodes');
  }
}

/** A builder that has everything. */
type CompleteBuilder = NodeBuilder<{
  readonly storageEngine: true;
  readonly stateMachine: true;
  readonly transport: true;
}>;
