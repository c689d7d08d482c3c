import { createRandom, type Random } from '@raftlog/core/conformance';
import type { NodeConfig, NodeMessage } from '@raftlog/node';
import { Client } from '../cluster/client.ts';
import type { Implementation } from '../cluster/implementation.ts';
import { leadersAmong } from '../cluster/leaders.ts';
import { Machine } from '../cluster/machine.ts';
import { Operator } from '../cluster/operator.ts';
import { DiskDelays } from '../disk/disk-delays.ts';
import { DiskJournal } from '../disk/disk-journal.ts';
import { EntryChains } from '../disk/entry-chain.ts';
import { FileDisk } from '../disk/file-disk.ts';
import type { MachineDisk } from '../disk/machine-disk.ts';
import { MemoryDisk } from '../disk/memory-disk.ts';
import type { EngineObserver } from '../disk/observed-engine.ts';
import { ClusterInvariants } from '../invariants/cluster-invariants.ts';
import { MessageInvariants } from '../invariants/message-invariants.ts';
import { StateInvariants } from '../invariants/state-invariants.ts';
import { Violations } from '../invariants/violation.ts';
import { History } from '../linearizability/history.ts';
import type { KeyValueInput, KeyValueOutput } from '../linearizability/key-value-model.ts';
import { SimulatedNetwork } from '../network/simulated-network.ts';
import type { Occasion } from '../plan/fault-event.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import { MachineClock } from '../time/machine-clock.ts';
import { VirtualTime } from '../time/virtual-time.ts';
import { describeMessage } from './describe-message.ts';
import type { RunOptions } from './run-options.ts';
import { Trace } from './trace.ts';

/** Everything that a run consists of, put together as its plan says. */
export class World {
  readonly plan: RunPlan;
  readonly time: VirtualTime;
  readonly violations: Violations;
  readonly trace: Trace;
  readonly cluster: ClusterInvariants;
  readonly network: SimulatedNetwork;
  readonly machines: readonly Machine[];
  readonly clients: readonly Client[];
  readonly operator: Operator;
  readonly history: History<KeyValueInput, KeyValueOutput> = new History();
  /** Machines on which something has run since this was last emptied. */
  readonly touched: Set<Machine> = new Set();
  /** Called when something delicate has begun. */
  onOccasion: ((occasion: Occasion) => void) | undefined;
  snapshots = 0;
  readonly #implementation: Implementation;
  readonly #chains: EntryChains;
  readonly #states: StateInvariants;
  #streams = 0;

  constructor(plan: RunPlan, { implementation, keepTrace, ignoring }: Required<RunOptions>) {
    this.plan = plan;
    this.#implementation = implementation;
    this.time = new VirtualTime(this.#random());
    this.violations = new Violations(() => this.time.now, ignoring);
    this.trace = new Trace(() => this.time.now, keepTrace);
    this.#chains = new EntryChains(this.violations);
    this.#states = new StateInvariants(this.violations);
    const messages = new MessageInvariants(this.violations, (node) => this.#machineOf(node)?.disk.journal);
    this.cluster = new ClusterInvariants(this.violations, (node) => messages.termSaidBy(node));
    this.network = this.#makeNetwork(messages);
    const voters = Array.from({ length: plan.nodes }, (_, number) => idOf(number));
    this.machines = Array.from({ length: plan.nodes + plan.spares }, (_, number) => this.#makeMachine(number, voters));
    this.clients = Array.from({ length: plan.clients }, (_, number) => this.makeClient(`c${number + 1}`));
    this.operator = new Operator({
      time: this.time,
      random: this.#random(),
      machines: this.machines,
      leader: () => this.leader,
      violations: this.violations,
      tell: (what) => this.trace.add(what),
    });
  }

  /** Who leads in the highest term, as the leaders see it. */
  get leader(): Machine | undefined {
    return leadersAmong(this.machines).at(-1);
  }

  /** Who believes so in an earlier term. */
  get rival(): Machine | undefined {
    return leadersAmong(this.machines).at(-2);
  }

  makeClient(name: string): Client {
    const { time, history, violations, plan } = this;
    return new Client({
      name,
      time,
      random: this.#random(),
      machines: () => this.machines,
      history,
      violations,
      keys: plan.keys,
      thinkTime: plan.thinkTime,
      patience: 3 * plan.electionTimeoutMs,
      tell: (what) => this.trace.add(what),
    });
  }

  /** A stream of choices for one purpose, so that what happens elsewhere doesn't change it. */
  #random(): Random {
    return createRandom(Math.imul(this.plan.seed + 1, 0x9e3779b1) ^ Math.imul(++this.#streams, 0x85ebca6b));
  }

  #makeNetwork(messages: MessageInvariants): SimulatedNetwork {
    return new SimulatedNetwork(this.time, this.#random(), this.plan.link, {
      sent: (envelope) => {
        messages.sent(envelope);
        this.#noteOccasion(envelope.message);
        this.trace.add(describeMessage(envelope));
      },
      delivered: (envelope) => this.trace.detail(() => `${envelope.to} gets ${describeMessage(envelope)}`),
    });
  }

  #noteOccasion(message: NodeMessage): void {
    if (message.type === 'snapshot-progress' && message.installed) this.snapshots++;
    if (message.type === 'timeout-now') this.onOccasion?.('transfer');
    if (message.type === 'snapshot-chunk') this.onOccasion?.('snapshot');
    const entries = message.type === 'append-request' ? message.entries : [];
    if (entries.some(({ kind }) => kind === 'config')) this.onOccasion?.('membership');
  }

  #machineOf(node: string): Machine | undefined {
    return this.machines.find(({ id }) => id === node);
  }

  #makeMachine(number: number, voters: readonly string[]): Machine {
    const { clockSkew } = this.plan;
    const random = this.#random();
    const rate = 1 + (random.next() * 2 - 1) * clockSkew;
    const machine: Machine = new Machine({
      config: this.#configOf(number, voters),
      implementation: this.#implementation,
      time: this.time,
      clock: new MachineClock(this.time, random.next() * 1e6, rate, () => this.touched.add(machine)),
      disk: this.#makeDisk(idOf(number)),
      network: this.network,
      random,
      violations: this.violations,
      states: this.#states,
      onEnd: (id) => this.cluster.ended(id),
    });
    return machine;
  }

  #configOf(number: number, voters: readonly string[]): NodeConfig {
    const { electionTimeoutMs, snapshotEntries, keepEntries, snapshotChunkBytes, forward } = this.plan;
    const { maxMessageBytes, maxInFlightMessages } = this.plan;
    return {
      clusterId: 'simulated',
      nodeId: idOf(number),
      members: number < voters.length ? { voters } : 'join',
      electionTimeoutMs,
      heartbeatMs: electionTimeoutMs / 5,
      tickMs: electionTimeoutMs / 10,
      requestTimeoutMs: electionTimeoutMs * 5,
      forward,
      limits: { applyBatchBytes: 1000, maxMessageBytes, maxInFlightMessages, maxInFlightBytes: 4 * maxMessageBytes },
      snapshots: { entries: snapshotEntries, keepEntries, chunkBytes: snapshotChunkBytes, retain: 1 + (number % 2) },
    };
  }

  #makeDisk(node: string): MachineDisk {
    const { plan, violations } = this;
    const random = this.#random();
    const journal = new DiskJournal(node, this.#chains);
    const delays = new DiskDelays(this.time, this.#random(), plan.disk);
    const observer: EngineObserver = {
      noted: (what) => this.trace.detail(() => `${node} ${what()}`),
      refused: (error) =>
        violations.report(
          'storage-contract',
          `The storage of ${node} refuses what its node asks for: ${String(error)}`,
        ),
    };
    if (plan.engine === 'memory') return new MemoryDisk(journal, delays, random, observer);
    const { durability } = plan;
    return new FileDisk({ node, journal, chains: this.#chains, delays, random, observer, violations, durability });
  }
}

function idOf(number: number): string {
  return `n${number + 1}`;
}
