import type { Machine } from '../cluster/machine.ts';
import type { Violation } from '../invariants/violation.ts';
import { checkLinearizable, describeNonLinearizable } from '../linearizability/check-linearizable.ts';
import { keyValueModel } from '../linearizability/key-value-model.ts';
import { PERFECT_LINK } from '../network/link.ts';
import type { RunPlan } from '../plan/run-plan.ts';
import { VirtualGlobals } from '../time/virtual-globals.ts';
import { FaultInjector } from './fault-injector.ts';
import { type RunOptions, withDefaults } from './run-options.ts';
import { World } from './world.ts';

/** What a run did. */
export interface RunFigures {
  readonly operations: number;
  readonly crashes: number;
  /** Terms that had a leader. */
  readonly elections: number;
  /** Received from a leader. */
  readonly snapshots: number;
  readonly committed: number;
  readonly steps: number;
  readonly virtualMs: number;
}

/** How a run ended. */
export interface RunResult {
  readonly violation: Violation | undefined;
  /** The same for two runs of one plan. */
  readonly traceHash: string;
  /** What happened, line by line; empty unless it was asked for. */
  readonly trace: readonly string[];
  readonly figures: RunFigures;
}

/** How long a healed cluster may take, in election timeouts. */
const RECOVERY_TIMEOUTS = 60;

/** Runs a whole cluster as the plan says, until something that must hold doesn't, or to the end. One run at a time: it borrows the process' timers. */
export async function runPlan(plan: RunPlan, options: RunOptions = {}): Promise<RunResult> {
  const run = new Run(plan, options);
  return run.toEnd();
}

class Run {
  readonly #plan: RunPlan;
  readonly #world: World;
  readonly #globals: VirtualGlobals;
  readonly #faults: FaultInjector;
  #steps = 0;

  constructor(plan: RunPlan, options: RunOptions) {
    this.#plan = plan;
    this.#world = new World(plan, withDefaults(options));
    this.#globals = new VirtualGlobals(this.#world.time);
    this.#faults = new FaultInjector(this.#world);
    this.#world.onOccasion = (occasion) => this.#faults.occurred(occasion);
  }

  async toEnd(): Promise<RunResult> {
    const { violations, trace } = this.#world;
    const onRejection = (reason: unknown): void => {
      const details = reason instanceof Error ? reason.stack : String(reason);
      violations.report('no-crash', `A promise was rejected and nobody looked: ${details}`);
    };
    process.on('unhandledRejection', onRejection);
    this.#globals.install();
    try {
      await this.#faultyPart();
      if (violations.first === undefined) await this.#recovery();
      this.#checkHistory();
    } finally {
      // Nothing of the run goes on behind the next one's back: all that could is waiting for a time that doesn't go on.
      for (const machine of this.#world.machines) machine.switchOff();
      await this.#globals.settle();
      this.#globals.restore();
      process.off('unhandledRejection', onRejection);
    }
    return { violation: violations.first, traceHash: trace.hash, trace: trace.lines, figures: this.#figures };
  }

  async #faultyPart(): Promise<void> {
    const { machines, clients } = this.#world;
    const { nodes, events, duration } = this.#plan;
    for (const machine of machines.slice(0, nodes)) machine.switchOn();
    for (const client of clients) void client.run();
    this.#faults.schedule(events);
    await this.#goOnUntil(() => false, duration);
    for (const client of clients) client.stop();
  }

  /** Without faults the cluster must find a leader and commit something, and all members must come to the same state. */
  async #recovery(): Promise<void> {
    const { network, time, violations, machines } = this.#world;
    this.#faults.end();
    network.setUsual(PERFECT_LINK);
    for (const machine of this.#members()) machine.switchOn();
    const deadline = time.now + RECOVERY_TIMEOUTS * this.#plan.electionTimeoutMs;
    const last = this.#world.makeClient('last');
    let isWritten = false;
    void last.writeOnce().then(() => {
      isWritten = true;
    });
    await this.#goOnUntil(() => isWritten && this.#haveAllApplied(), deadline);
    last.stop();
    if (violations.first !== undefined) return;
    if (!isWritten || !this.#haveAllApplied()) {
      const states = machines
        .filter(({ isOff }) => !isOff)
        .map((machine) => `${machine.id}: ${describeState(machine)}`);
      return violations.report(
        'liveness',
        `${RECOVERY_TIMEOUTS} election timeouts after the last fault ${isWritten ? 'not all members have caught up' : 'nothing was committed'}.\n ${states.join('\n ')}`,
      );
    }
    await this.#compareStates();
  }

  async #goOnUntil(isDone: () => boolean, deadline: number): Promise<void> {
    const { time, violations } = this.#world;
    while (violations.first === undefined && time.nextAt <= deadline && !isDone()) await this.#step();
  }

  /** One event, all that follows from it at once, and a look at the nodes that it concerned. */
  async #step(): Promise<void> {
    const { time, violations } = this.#world;
    try {
      if (!time.advance()) return;
    } catch (error) {
      violations.report('no-crash', `A node throws into its transport or timer: ${String(error)}`);
    }
    await this.#globals.settle();
    this.#steps++;
    this.#inspect();
  }

  #inspect(): void {
    const { touched, cluster, trace } = this.#world;
    for (const machine of touched) {
      const { node, id, disk, starts } = machine;
      if (node === undefined) continue;
      const { role, term, commitIndex, appliedIndex } = node.status();
      const { elections } = cluster;
      cluster.afterStep(id, starts, { role, term, commitIndex, appliedIndex }, disk.journal);
      if (cluster.elections > elections) this.#faults.occurred('election');
      trace.add(`${id} ${role} ${term} commit ${commitIndex} applied ${appliedIndex}`);
    }
    touched.clear();
  }

  /** All machines that some node counts among the members. */
  #members(): readonly Machine[] {
    const ids = new Set<string>();
    for (const { node, isOff } of this.#world.machines) {
      if (node === undefined || isOff) continue;
      const { voters, outgoing, learners } = node.status().configuration;
      for (const id of [...voters, ...outgoing, ...learners]) ids.add(id);
    }
    return this.#world.machines.filter(({ id, isOff }) => !isOff || ids.has(id));
  }

  #haveAllApplied(): boolean {
    const status = this.#world.leader?.node?.status();
    if (status === undefined || status.commitIndex < status.lastLog.index) return false;
    const { voters, outgoing, learners } = status.configuration;
    if (outgoing.length > 0) return false;
    const members = new Set([...voters, ...learners]);
    // The configuration may name a machine that was off because nobody who runs knew of it.
    for (const machine of this.#world.machines) if (members.has(machine.id)) machine.switchOn();
    return this.#world.machines
      .filter(({ id }) => members.has(id))
      .every(({ node }) => node !== undefined && node.status().appliedIndex === status.commitIndex);
  }

  async #compareStates(): Promise<void> {
    const { machines, violations } = this.#world;
    const digests = new Map<number, string>();
    const applied = this.#world.leader?.node?.status().appliedIndex;
    for (const { id, node, store } of machines) {
      if (node === undefined || store === undefined || node.status().appliedIndex !== applied) continue;
      digests.set(await store.digest(), id);
    }
    if (digests.size > 1) {
      violations.report(
        'state-machine-safety',
        `At entry ${applied} the states of ${[...digests.values()].join(' and ')} differ.`,
      );
    }
  }

  #checkHistory(): void {
    const { history, violations } = this.#world;
    const failure = checkLinearizable(keyValueModel, history.operations);
    if (failure !== undefined) violations.report('linearizability', describeNonLinearizable(keyValueModel, failure));
  }

  get #figures(): RunFigures {
    const { history, machines, cluster, snapshots, time } = this.#world;
    return {
      operations: history.operations.length,
      crashes: machines.reduce((sum, { crashes }) => sum + crashes, 0),
      elections: cluster.elections,
      snapshots,
      committed: cluster.committed.lastIndex,
      steps: this.#steps,
      virtualMs: time.now,
    };
  }
}

function describeState({ node }: Machine): string {
  if (node === undefined) return 'down';
  const { role, term, leader, commitIndex, appliedIndex, lastLog, configuration } = node.status();
  const { voters, outgoing, learners } = configuration;
  const members = `voters ${voters}${outgoing.length > 0 ? ` outgoing ${outgoing}` : ''}${learners.length > 0 ? ` learners ${learners}` : ''}`;
  return `${role} ${term} of ${leader ?? 'nobody'}, applied ${appliedIndex}, commit ${commitIndex}, log to ${lastLog.index}.${lastLog.term}, ${members}`;
}
