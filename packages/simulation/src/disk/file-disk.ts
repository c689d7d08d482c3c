import { FileStorageEngine } from '@raftlog/adaptor-file';
import type { Entry, StorageEngine } from '@raftlog/core';
import { LossyFileIo, type PowerCutMode, type Random } from '@raftlog/core/conformance';
import type { Violations } from '../invariants/violation.ts';
import type { ProcessLife } from '../time/process-life.ts';
import type { DiskDelays } from './disk-delays.ts';
import type { DiskJournal } from './disk-journal.ts';
import type { EntryChains } from './entry-chain.ts';
import { LogMirror } from './log-mirror.ts';
import type { CrashKind, MachineDisk } from './machine-disk.ts';
import { type EngineObserver, type EngineTiming, ObservedEngine } from './observed-engine.ts';
import { slowFileIo } from './slow-file-io.ts';

const DIRECTORY = '/disk';

const POWER_CUTS: readonly PowerCutMode[] = [
  'all',
  'synced',
  'missing',
  'torn',
  'reordered',
  'size-only',
  'data-only',
  'entries-lost',
  'entries-only',
  'mixed',
];

/** What a {@link FileDisk} is made of. */
export interface FileDiskParts {
  readonly node: string;
  readonly journal: DiskJournal;
  readonly chains: EntryChains;
  readonly delays: DiskDelays;
  readonly random: Random;
  readonly observer: EngineObserver;
  readonly violations: Violations;
  readonly durability: 'sync' | 'buffered';
}

/** The file adaptor on a file system that loses, tears and reorders what wasn't synced. */
export class FileDisk implements MachineDisk {
  readonly journal: DiskJournal;
  readonly #parts: FileDiskParts;
  #io: LossyFileIo;
  #isFull = false;

  constructor(parts: FileDiskParts) {
    this.#parts = parts;
    this.journal = parts.journal;
    this.#io = new LossyFileIo({ directories: [DIRECTORY], model: parts.random.pick(['contract', 'ext4']) });
  }

  async open(life: ProcessLife): Promise<StorageEngine> {
    const { delays, durability, observer } = this.#parts;
    const fileIo = slowFileIo(this.#io, delays, life);
    // The smallest segments there are, so that a run goes through several.
    const options = { directory: `${DIRECTORY}/store`, fileIo, durability, segmentBytes: 64 * 1024, cacheBytes: 4096 };
    const engine = await FileStorageEngine.open(options);
    await this.#compare(engine);
    const timing: EngineTiming = {
      failure: engine.failure,
      read: (answer) => delays.delayRead(answer, life),
      write: (written) => written,
    };
    return new ObservedEngine(engine, this.journal, timing, engine.snapshotStore, observer);
  }

  crash(kind: CrashKind): void {
    const { random } = this.#parts;
    if (kind === 'kill') this.#io = this.#io.killProcess();
    else this.#io = this.#io.powerCut({ mode: random.pick(POWER_CUTS), seed: random.integer(1, 2 ** 31) });
    // The faults end with the instance; the disk is as full as before.
    this.setFull(this.#isFull);
  }

  setSlowness(factor: number): void {
    this.#parts.delays.slowness = factor;
  }

  setFull(isFull: boolean): void {
    this.#isFull = isFull;
    if (isFull) this.#io.failAt(1, 'ENOSPC', { operations: ['write'], forever: true });
    else this.#io.healAll();
  }

  failNextSync(): void {
    const { random } = this.#parts;
    const lands = random.pick(['none', 'part', 'whole'] as const);
    this.#io.failAt(random.integer(1, 3), 'EIO', { operations: ['datasync'], lands });
  }

  /** Whether the log and the hard state are what they may be after what was done to them. */
  async #compare({ logStore, metaStore }: StorageEngine): Promise<void> {
    const { node, chains, violations } = this.#parts;
    const found = new LogMirror(node, chains);
    found.apply({ kind: 'reset', boundary: logStore.purgeBoundary });
    const entries: Entry[] = [];
    for await (const entry of logStore.entries()) entries.push({ ...entry, data: entry.data.slice() });
    found.apply({ kind: 'write', truncateFrom: undefined, entries });
    const problem = this.journal.recovered(found, await metaStore.loadHardState());
    if (problem !== undefined) violations.report('storage-durability', `After a restart of ${node} ${problem}.`);
  }
}
