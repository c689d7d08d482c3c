import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import { type StorageEngine, StorageError } from '@raftlog/core';
import type { Random } from '@raftlog/core/conformance';
import type { ProcessLife } from '../time/process-life.ts';
import type { DiskDelays } from './disk-delays.ts';
import type { DiskJournal } from './disk-journal.ts';
import { type KeptSnapshot, KeptSnapshots } from './kept-snapshots.ts';
import type { CrashKind, MachineDisk } from './machine-disk.ts';
import { type EngineObserver, type EngineTiming, ObservedEngine } from './observed-engine.ts';

/**
 * A disk that is a model: the memory engine holds what was accepted, and what a crash leaves is decided by the contract alone, which may be less than any real
 * disk would leave.
 */
export class MemoryDisk implements MachineDisk {
  readonly journal: DiskJournal;
  readonly #delays: DiskDelays;
  readonly #random: Random;
  readonly #observer: EngineObserver;
  readonly #snapshots: KeptSnapshot[] = [];
  #isFull = false;
  #failsNext = false;

  constructor(journal: DiskJournal, delays: DiskDelays, random: Random, observer: EngineObserver) {
    this.journal = journal;
    this.#delays = delays;
    this.#random = random;
    this.#observer = observer;
  }

  async open(life: ProcessLife): Promise<StorageEngine> {
    if (this.#isFull) throw fullDisk();
    const engine = await MemoryStorageEngine.open({});
    await this.#load(engine);
    const failure = new AbortController();
    const timing = this.#timing(life, failure);
    const snapshots = new KeptSnapshots(engine.snapshotStore, this.#snapshots, timing, () => this.#isFull);
    return new ObservedEngine(engine, this.journal, timing, snapshots, this.#observer);
  }

  crash(_kind: CrashKind): void {
    this.journal.crash(this.#random);
  }

  setSlowness(factor: number): void {
    this.#delays.slowness = factor;
  }

  setFull(isFull: boolean): void {
    this.#isFull = isFull;
  }

  failNextSync(): void {
    this.#failsNext = true;
  }

  async #load({ logStore, metaStore, snapshotStore }: StorageEngine): Promise<void> {
    const { durable, durableHardState } = this.journal;
    if (durableHardState !== undefined) await metaStore.saveHardState(durableHardState);
    if (durable.boundary.index > 0) await logStore.reset(durable.boundary);
    await logStore.persistEntries(durable.entries);
    for (const { meta, bytes } of this.#snapshots) await snapshotStore.save(meta, once(bytes));
  }

  /**
   * One queue with group commit, as the kit has it: what is asked for while a commit is in flight is done together by the next one, so that no more than two are
   * ever waited for. After the first that fails none is done.
   */
  #timing(life: ProcessLife, failure: AbortController): EngineTiming {
    let begins = 0;
    let ends = 0;
    return {
      failure: failure.signal,
      read: (answer) => this.#delays.delayRead(answer, life),
      write: async (written) => {
        const { now } = this.#delays;
        if (now >= begins) {
          begins = Math.max(now, ends);
          ends = begins + this.#delays.write;
        }
        const [outcome] = await Promise.allSettled([written, this.#delays.wait(ends - now, life)]);
        if (outcome.status === 'rejected') throw outcome.reason;
        this.#failIfDue(failure);
        if (failure.signal.aborted) throw failure.signal.reason;
        return outcome.value;
      },
    };
  }

  #failIfDue(failure: AbortController): void {
    if (!this.#isFull && !this.#failsNext) return;
    this.#failsNext = false;
    failure.abort(this.#isFull ? fullDisk() : failedSync());
  }
}

function fullDisk(): StorageError {
  const cause = new StorageError('NO_SPACE', 'The simulated disk is full. Wait until it is not.', {});
  return new StorageError('STORE_FAILED', 'A write failed. Open the engine again.', { operation: 'write' }, { cause });
}

function failedSync(): StorageError {
  return new StorageError('STORE_FAILED', 'A simulated sync failed. Open the engine again.', { operation: 'sync' });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
