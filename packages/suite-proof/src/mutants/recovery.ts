import { type IndexRange, isStorageError, type StorageEngine } from '@raftlog/core';
import type { BuildOptions } from '@raftlog/core/conformance';
import { JournalBlocks } from '../journal-blocks.ts';
import type { JournalRecord, RecordBody } from '../journal-record.ts';
import type { Mutant } from '../mutant.ts';
import { overrideFiles, overrideLog } from '../override.ts';
import { LOSS } from './verdicts.ts';
import { withoutWitness } from './without-witness.ts';

/** Broken in what an open makes of what it finds. */
export const recoveryMutants: readonly Mutant[] = [
  {
    name: 'torn-tail-appended-after',
    broken:
      'A torn record at the end is skipped but not cut off: what is appended behind it is not found by the next open.',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override async secure(): Promise<void> {
            if (this.header === undefined) return super.secure();
            this.journal.end = await this.journal.file.size();
          }
        })(context),
    },
    killedBy: 'H64-power-cut-anywhere',
    failsWith: LOSS,
  },
  {
    name: 'recycled-records-replayed',
    broken: 'Records that an older use of the file left behind the end of the log are replayed.',
    seenIn: 'write-ahead logs that recycle files without a salt or an epoch in each record',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override belongs(_record: JournalRecord, _generation: number): boolean {
            return true;
          }
        })(context),
    },
    killedBy: 'G59-recycled-records-stay-dead',
    failsWith: LOSS,
  },
  {
    name: 'no-recovery-barrier',
    broken:
      'What an open finds is served from the page cache and never brought to the disk: after a failed sync it is lost with the next power cut.',
    seenIn: 'the recovery after the fsync failures in Rebello et al. (USENIX ATC 2020)',
    host: 'journal',
    mutation: {
      blockStore: (context) =>
        new (class extends JournalBlocks {
          protected override async secure(): Promise<void> {
            if (this.header === undefined) await super.secure();
          }
        })(context),
    },
    killedBy: 'G59a-served-is-on-disk',
    failsWith: LOSS,
  },
  {
    name: 'witness-ignored',
    broken: 'An acknowledged end of the log that is damaged counts as torn and is dropped in silence.',
    seenIn: 'LevelDB and SQLite, which drop a damaged end of their logs',
    host: 'file',
    mutation: { fileIo: withoutWitness },
    killedBy: 'G53-cut-below-witness',
    failsWith: /the open was to be refused with CORRUPTION, but it succeeded/,
  },
  {
    name: 'rolled-back-unnoticed',
    broken: 'A store that has lost its last commits opens as if they had never been: the witness is asked by nobody.',
    seenIn: 'SQLite, which opens without a write-ahead log that is damaged or gone',
    host: 'file',
    mutation: { fileIo: withoutWitness },
    killedBy: 'G55a-rolled-back',
    failsWith: /the open of a store whose last commit is lost was to be refused with CORRUPTION, but it succeeded/,
  },
  {
    name: 'length-believed',
    broken: 'A length is believed before anything is checked: a damaged one takes 2 GiB of memory at the open.',
    host: 'file',
    mutation: {
      fileIo: (io) =>
        overrideFiles(io, /blocks/, (file) => ({
          async read(into, position) {
            const count = await file.read(into, position);
            const bytes = Buffer.from(into.buffer, into.byteOffset, count);
            const at = bytes.indexOf(Buffer.of(0xff, 0xff, 0xff, 0x7f));
            if (at >= 0) await file.read(Buffer.alloc(bytes.readUInt32LE(at)), position + at + 4);
            return count;
          },
        })),
    },
    killedBy: 'G57-length-past-the-end',
    failsWith: /an open took buffers of 20\d\d MiB/,
  },
  {
    name: 'repair-takes-anything',
    broken: 'A repair is taken although its entries are not those that were lost.',
    host: 'file',
    mutation: {
      engine: (engine) =>
        overrideLog(engine, (log) => ({
          async repair(entries) {
            const isWhole = log.damagedRanges?.some(({ first, last }) => entries.length === last - first + 1);
            if (isWhole) await log.repair?.(entries);
          },
        })),
    },
    killedBy: 'G55-salvage',
    failsWith: /repair with one entry too few was to be refused with .*, but it succeeded/,
  },
  {
    name: 'written-behind',
    broken: 'The last commit waits in the memory of the process for the next one: a kill is enough to lose it.',
    host: 'journal',
    mutation: { blockStore: (context) => new WrittenBehind(context) },
    killedBy: 'G52-killed-process',
    failsWith: /kill \d+ \(seed \d+\): /,
  },
  {
    name: 'cut-at-the-first-damage',
    broken: 'Damage anywhere in the log is taken for its end: all that follows, acknowledged as it is, is cut off.',
    seenIn:
      'the "truncate to the last valid record" of many write-ahead logs; see Alagappan et al., "Protocol-Aware Recovery" (FAST 2018)',
    host: 'file',
    mutation: {
      async open(open, options) {
        try {
          return await open(options);
        } catch (error) {
          if (!isStorageError(error, 'CORRUPTION') || error.details.lostRange === undefined) throw error;
          return cutAt(error.details.lostRange, open, options);
        }
      },
    },
    killedBy: 'G55-damage-before-the-tail',
    failsWith: /the open was to be refused with CORRUPTION, but it succeeded/,
  },
];

class WrittenBehind extends JournalBlocks {
  #held: RecordBody | undefined;

  protected override async append(body: RecordBody): Promise<void> {
    // The first record of a file is written at once, or there would be no file to speak of.
    const isFirst = this.journal.end === 0;
    const due = isFirst ? body : this.#held;
    this.#held = isFirst ? undefined : body;
    if (due !== undefined) await super.append(due);
  }

  override async close(): Promise<void> {
    if (this.#held !== undefined) await super.append(this.#held);
    await super.close();
  }
}

async function cutAt(
  { first }: IndexRange,
  open: (options: BuildOptions) => Promise<StorageEngine>,
  options: BuildOptions,
): Promise<StorageEngine> {
  const engine = await open({ ...options, onCorruption: 'salvage' });
  await engine.logStore.truncate(first);
  return engine;
}
