import type { Entry, StorageEngine } from '@raftlog/core';
import { createRandom } from '@raftlog/core/conformance';
import { describe, expect, test } from 'vitest';
import { DiskDelays } from '../src/disk/disk-delays.ts';
import { DiskJournal } from '../src/disk/disk-journal.ts';
import { EntryChains } from '../src/disk/entry-chain.ts';
import { FileDisk } from '../src/disk/file-disk.ts';
import { LogMirror } from '../src/disk/log-mirror.ts';
import { type MachineDisk, USUAL_DISK } from '../src/disk/machine-disk.ts';
import { MemoryDisk } from '../src/disk/memory-disk.ts';
import { Violations } from '../src/invariants/violation.ts';
import type { ProcessLife } from '../src/time/process-life.ts';
import { VirtualGlobals } from '../src/time/virtual-globals.ts';
import { VirtualTime } from '../src/time/virtual-time.ts';

const entry = (index: number, term = 1): Entry => ({ index, term, kind: 'command', data: Buffer.from(`${index}`) });

class Bench {
  readonly time: VirtualTime;
  readonly violations: Violations = new Violations(() => 0);
  readonly disk: MachineDisk;
  readonly #globals: VirtualGlobals;

  constructor(kind: 'memory' | 'file', seed: number) {
    const random = createRandom(seed);
    this.time = new VirtualTime(random);
    this.#globals = new VirtualGlobals(this.time);
    const chains = new EntryChains(this.violations);
    const journal = new DiskJournal('n1', chains);
    const delays = new DiskDelays(this.time, random, USUAL_DISK);
    const { violations } = this;
    const observer = {
      refused: (error: unknown) => violations.report('storage-contract', String(error)),
      noted: () => {},
    };
    this.disk =
      kind === 'memory'
        ? new MemoryDisk(journal, delays, random, observer)
        : new FileDisk({ node: 'n1', journal, chains, delays, random, observer, violations, durability: 'sync' });
  }

  /** Lets the time go on until `promise` is settled, or so many events have passed. */
  async run<Result>(
    promise: Promise<Result>,
    events = Number.POSITIVE_INFINITY,
  ): Promise<PromiseSettledResult<Result> | undefined> {
    let outcome: PromiseSettledResult<Result> | undefined;
    void Promise.allSettled([promise]).then(([settled]) => {
      outcome = settled;
    });
    this.#globals.install();
    try {
      await this.#globals.settle();
      for (
        let left = events;
        left > 0 && outcome === undefined && this.time.nextAt < Number.POSITIVE_INFINITY;
        left--
      ) {
        this.time.advance();
        await this.#globals.settle();
      }
    } finally {
      this.#globals.restore();
    }
    return outcome;
  }

  async open(life: ProcessLife): Promise<StorageEngine> {
    const outcome = await this.run(this.disk.open(life));
    if (outcome?.status !== 'fulfilled') throw new Error('The disk can not be opened.', { cause: outcome?.reason });
    return outcome.value;
  }
}

function newProcess(): ProcessLife & { isDead: boolean } {
  const life = {
    isDead: false,
    isAlive: () => !life.isDead,
    whenAwake: (run: () => void) => run(),
    whenReceivable: (run: () => void) => run(),
  };
  return life;
}

describe.each(['memory', 'file'] as const)('a %s disk', (kind) => {
  test('keeps in a crash what it has acknowledged, and of the rest a part from the front', async () => {
    const ends = new Set<number>();
    for (let seed = 1; seed <= 30; seed++) {
      const bench = new Bench(kind, seed);
      const life = newProcess();
      const engine = await bench.open(life);
      await bench.run(engine.write({ hardState: { currentTerm: 1, votedFor: 'n1' }, entries: [entry(1), entry(2)] }));
      const unfinished = [3, 4, 5].map((index) => engine.write({ entries: [entry(index)] }));
      await bench.run(Promise.all(unfinished), seed % 6);
      life.isDead = true;
      bench.disk.crash('power-cut');
      const again = await bench.open(newProcess());
      expect(await bench.run(again.metaStore.loadHardState())).toMatchObject({
        value: { currentTerm: 1, votedFor: 'n1' },
      });
      expect(again.logStore.lastIndex).toBeGreaterThanOrEqual(2);
      expect(bench.disk.journal.durable.lastIndex).toBe(again.logStore.lastIndex);
      expect(bench.violations.first, `seed ${seed}`).toBeUndefined();
      ends.add(again.logStore.lastIndex);
    }
    expect(ends.size).toBeGreaterThan(1);
  });

  test('a failing sync poisons the engine; the next process finds a part from the front', async () => {
    const bench = new Bench(kind, 7);
    const life = newProcess();
    const engine = await bench.open(life);
    await bench.run(engine.write({ hardState: { currentTerm: 1, votedFor: undefined }, entries: [entry(1)] }));
    bench.disk.failNextSync();
    const outcomes = [];
    for (let index = 2; index <= 6; index++) outcomes.push(await bench.run(engine.write({ entries: [entry(index)] })));
    expect(outcomes.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'STORE_FAILED' } });
    expect(engine.failure.aborted).toBe(true);
    life.isDead = true;
    bench.disk.crash('kill');
    const again = await bench.open(newProcess());
    expect(again.logStore.lastIndex).toBeGreaterThanOrEqual(
      outcomes.filter((outcome) => outcome?.status === 'fulfilled').length,
    );
    expect(bench.violations.first).toBeUndefined();
  });

  test("a full disk takes nothing, and works again when it isn't", async () => {
    const bench = new Bench(kind, 8);
    const life = newProcess();
    const engine = await bench.open(life);
    bench.disk.setFull(true);
    expect(await bench.run(engine.write({ entries: [entry(1)] }))).toMatchObject({ status: 'rejected' });
    life.isDead = true;
    bench.disk.crash('kill');
    bench.disk.setFull(false);
    const again = await bench.open(newProcess());
    expect(await bench.run(again.write({ entries: [entry(again.logStore.lastIndex + 1)] }))).toMatchObject({
      status: 'fulfilled',
    });
  });
});

describe('what a store holds after a crash is compared with what it was asked for', () => {
  function journalWith(): { readonly journal: DiskJournal; readonly chains: EntryChains } {
    const chains = new EntryChains(new Violations(() => 0));
    const journal = new DiskJournal('n1', chains);
    journal.hardStateIsDurable(journal.saveHardState({ currentTerm: 1, votedFor: undefined }));
    journal.logIsDurable(journal.changeLog({ kind: 'write', truncateFrom: undefined, entries: [entry(1), entry(2)] }));
    journal.saveHardState({ currentTerm: 2, votedFor: 'n2' });
    journal.changeLog({ kind: 'write', truncateFrom: 2, entries: [entry(2, 2), entry(3, 2)] });
    return { journal, chains };
  }

  const problemOf = (entries: Entry[], currentTerm: number, votedFor: string | undefined): string | undefined => {
    const { journal, chains } = journalWith();
    const found = new LogMirror('n1', chains);
    found.apply({ kind: 'write', truncateFrom: undefined, entries });
    return journal.recovered(found, { currentTerm, votedFor });
  };

  test('the durable state and the later ones are right', () => {
    expect(problemOf([entry(1), entry(2)], 1, undefined)).toBeUndefined();
    expect(problemOf([entry(1), entry(2)], 2, 'n2')).toBeUndefined();
    expect(problemOf([entry(1), entry(2, 2), entry(3, 2)], 2, 'n2')).toBeUndefined();
  });

  test('a lost entry, a half write, a lost vote, and a log that is ahead of its hard state are not', () => {
    expect(problemOf([entry(1)], 1, undefined)).toMatch(/ends at 1/);
    expect(problemOf([entry(1), entry(2, 2)], 2, 'n2')).toMatch(/ends at 2/);
    expect(problemOf([entry(1), entry(2)], 2, undefined)).toMatch(/hard state/);
    expect(problemOf([entry(1), entry(2, 2), entry(3, 2)], 1, undefined)).toMatch(/ahead of the hard state/);
  });
});

describe('what a node had stored when it acknowledged it', () => {
  test('is that of its term, though a later leader has had it replaced in the same sync', () => {
    const journal = new DiskJournal('n1', new EntryChains(new Violations(() => 0)));
    journal.saveHardState({ currentTerm: 1, votedFor: undefined });
    const first = journal.changeLog({ kind: 'write', truncateFrom: undefined, entries: [entry(1), entry(2)] });
    const second = journal.changeLog({ kind: 'write', truncateFrom: undefined, entries: [entry(3)] });
    journal.saveHardState({ currentTerm: 2, votedFor: undefined });
    const replaced = journal.changeLog({ kind: 'write', truncateFrom: 2, entries: [entry(2, 2)] });

    journal.logIsDurable(first);
    expect(journal.hasBeenDurable(2, 1)).toBe(true);
    expect(journal.hasBeenDurable(3, 1)).toBe(false);
    expect(journal.hasBeenDurable(2, 2)).toBe(false);
    journal.logIsDurable(second);
    expect(journal.hasBeenDurable(3, 1)).toBe(true);
    expect(journal.hasBeenDurable(4, 1)).toBe(false);
    journal.logIsDurable(replaced);
    expect(journal.durable.lastIndex).toBe(2);
    expect(journal.hasBeenDurable(3, 1)).toBe(true);
    expect(journal.hasBeenDurable(2, 2)).toBe(true);
  });

  test('may never have been handed out, where a later leader had it replaced before', () => {
    const journal = new DiskJournal('n1', new EntryChains(new Violations(() => 0)));
    journal.saveHardState({ currentTerm: 1, votedFor: undefined });
    journal.logIsDurable(journal.changeLog({ kind: 'write', truncateFrom: undefined, entries: [entry(1)] }));
    journal.saveHardState({ currentTerm: 2, votedFor: undefined });
    const replaced = journal.changeLog({ kind: 'write', truncateFrom: undefined, entries: [entry(2, 2)] });
    expect(journal.hasBeenDurable(3, 1)).toBe(false);
    journal.logIsDurable(replaced);
    expect(journal.hasBeenDurable(3, 1)).toBe(true);
    expect(journal.hasBeenDurable(3, 2)).toBe(false);
  });

  test('is only what has been there since the start', () => {
    const journal = new DiskJournal('n1', new EntryChains(new Violations(() => 0)));
    journal.logIsDurable(journal.changeLog({ kind: 'write', truncateFrom: undefined, entries: [entry(1), entry(2)] }));
    journal.logIsDurable(journal.changeLog({ kind: 'write', truncateFrom: 2, entries: [] }));
    journal.recovered(journal.durable.clone(), undefined);
    expect(journal.hasBeenDurable(1, 0)).toBe(true);
    expect(journal.hasBeenDurable(2, 0)).toBe(false);
  });
});
