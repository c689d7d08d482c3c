import { isStorageError } from '@raftlog/core';
import type { Random } from '@raftlog/core/conformance';
import { isNodeError, type NodeConfig, type RaftNode } from '@raftlog/node';
import type { CrashKind, MachineDisk } from '../disk/machine-disk.ts';
import type { StateInvariants } from '../invariants/state-invariants.ts';
import type { Violations } from '../invariants/violation.ts';
import type { SimulatedNetwork } from '../network/simulated-network.ts';
import { ObservedMachine } from '../store/observed-machine.ts';
import type { MachineClock } from '../time/machine-clock.ts';
import type { ProcessLife } from '../time/process-life.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Implementation } from './implementation.ts';

/** What a {@link Machine} is made of. */
export interface MachineParts {
  readonly config: NodeConfig;
  readonly implementation: Implementation;
  readonly time: VirtualTime;
  readonly clock: MachineClock;
  readonly disk: MachineDisk;
  readonly network: SimulatedNetwork;
  readonly random: Random;
  readonly violations: Violations;
  readonly states: StateInvariants;
  /** A process has ended, one way or another. */
  readonly onEnd: (id: string) => void;
}

interface RunningProcess extends ProcessLife {
  readonly number: number;
  isDead: boolean;
  node: RaftNode | undefined;
  store: ObservedMachine | undefined;
}

/** How long a supervisor waits before it starts a process that has stopped again. */
const RESTART_AFTER = 30;

/** A machine: a disk, a clock, and one process after the other. */
export class Machine {
  readonly id: string;
  readonly clock: MachineClock;
  readonly disk: MachineDisk;
  readonly #parts: MachineParts;
  #process: RunningProcess | undefined;
  #starts = 0;
  #isOff = true;
  #cancelStart: (() => void) | undefined;
  /** Its disk was made to fail, or is full: that its node stops is as it should be. */
  #mayFail = false;
  crashes = 0;

  constructor(parts: MachineParts) {
    this.id = parts.config.nodeId;
    this.clock = parts.clock;
    this.disk = parts.disk;
    this.#parts = parts;
  }

  /** The node of the process that runs now, once it has started. */
  get node(): RaftNode | undefined {
    return this.#process?.node;
  }

  get store(): ObservedMachine | undefined {
    return this.#process?.store;
  }

  /** Number of the process that runs now, or ran last. */
  get starts(): number {
    return this.#starts;
  }

  /** True: switched off, by intent. */
  get isOff(): boolean {
    return this.#isOff;
  }

  switchOn(): void {
    this.#isOff = false;
    if (this.#process === undefined) this.#startIn(0);
  }

  /** Ends the process as a power cut does; nothing starts it again. */
  switchOff(): void {
    this.#isOff = true;
    this.#end('power-cut');
  }

  /** Ends the process without a word. It is started again in `downFor`. */
  crash(how: CrashKind, downFor: number): void {
    if (this.#isOff) return;
    this.crashes++;
    this.#end(how);
    this.#startIn(downFor);
  }

  setFull(isFull: boolean): void {
    if (isFull) this.#mayFail = true;
    this.disk.setFull(isFull);
  }

  failNextSync(): void {
    this.#mayFail = true;
    this.disk.failNextSync();
  }

  #end(how: CrashKind): void {
    this.#cancelStart?.();
    this.#cancelStart = undefined;
    if (this.#process !== undefined) this.#process.isDead = true;
    this.#process = undefined;
    this.disk.crash(how);
    this.#parts.onEnd(this.id);
  }

  #startIn(milliseconds: number): void {
    this.#cancelStart?.();
    this.#cancelStart = this.#parts.time.schedule(milliseconds, () => {
      this.clock.whenAwake(() => {
        if (this.#process === undefined && !this.#isOff) void this.#start();
      });
    });
  }

  async #start(): Promise<void> {
    const process: RunningProcess = {
      number: ++this.#starts,
      isDead: false,
      isAlive: () => !process.isDead,
      whenAwake: (run) => this.clock.whenAwake(run),
      whenReceivable: (run) => this.clock.whenReceivable(run),
      node: undefined,
      store: undefined,
    };
    this.#process = process;
    try {
      const node = await this.#build(process);
      node.stopped.addEventListener('abort', () => this.#nodeStopped(process, node), { once: true });
      await node.start();
      process.node = node;
    } catch (error) {
      this.#startFailed(process, error);
    }
  }

  async #build(process: RunningProcess): Promise<RaftNode> {
    const { config, implementation, disk, network, clock, random, states } = this.#parts;
    const engine = await disk.open(process);
    const store = new ObservedMachine(this.id, new implementation.KeyValueStateMachine(), disk.journal, states);
    process.store = store;
    return new implementation.NodeBuilder(config)
      .storageEngine(implementation.storageEngine?.(engine) ?? engine, { allowVolatile: true, closeWithNode: true })
      .stateMachine(store)
      .transport(network.transport(this.id, process))
      .clock(clock.clockOf(process))
      .random((below) => Math.floor(random.next() * below))
      .build();
  }

  #startFailed(process: RunningProcess, error: unknown): void {
    if (process.isDead) return;
    if (!this.#mayFail || !isDiskFailure(error)) {
      this.#parts.violations.report('no-crash', `${this.id} can't start: ${describe(error)}`);
    }
    this.#restart(process);
  }

  #nodeStopped(process: RunningProcess, node: RaftNode): void {
    if (process.isDead) return;
    const { reason } = node.stopped;
    if (!this.#mayFail || !isDiskFailure(reason)) {
      this.#parts.violations.report('no-crash', `${this.id} has stopped: ${describe(reason)}`);
    }
    // The supervisor lets it end by itself; what it doesn't finish in this time is cut short.
    this.#parts.time.schedule(RESTART_AFTER, () => this.#restart(process));
  }

  #restart(process: RunningProcess): void {
    if (process.isDead || this.#process !== process) return;
    this.#end('kill');
    if (!this.#isOff) this.#startIn(RESTART_AFTER);
  }
}

function isDiskFailure(error: unknown): boolean {
  return (
    isNodeError(error, 'STORAGE_FAILED') || isStorageError(error, 'STORE_FAILED') || isStorageError(error, 'NO_SPACE')
  );
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${String(error.code)}: ` : '';
  const cause = error.cause === undefined ? '' : ` [${describe(error.cause)}]`;
  return `${code}${error.message}${cause}`;
}
