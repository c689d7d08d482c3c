import { randomInt } from 'node:crypto';
import { StorageError } from '@raftlog/core';
import type { Block, BlockStore, BlockStoreContext, Commit, OpenedBlocks } from '@raftlog/kit';
import { BackgroundWork } from './background-work.ts';
import { BlockIndex } from './block-index.ts';
import { type BlockRead, highestKey, readPiece } from './block-reader.ts';
import { bodyBytes, recordBytes } from './record-encoder.ts';
import { type RecoveredLog, type RecoveredSegment, recoverLog } from './recovery.ts';
import { secureNewest } from './recovery-finish.ts';
import { RunTable } from './run-table.ts';
import { cutOf } from './segment-contents.ts';
import type { SegmentSummary } from './segment-footer.ts';
import { MAX_BODY_BYTES, MAX_KIT_HEADER_BYTES, NO_CUT, type SegmentHeader } from './segment-format.ts';
import { MAX_SEGMENT_ID } from './segment-names.ts';
import { SegmentReclaimer } from './segment-reclaimer.ts';
import { SegmentSealer, type UnsealedSegment } from './segment-sealer.ts';
import { SegmentShelf } from './segment-shelf.ts';
import { createSegment, type SegmentWriter } from './segment-writer.ts';

/** How a {@link FileBlocks} is set up. */
export interface FileBlocksSettings {
  /** A segment takes no more records beyond this; only a single larger record makes a larger segment. */
  readonly segmentBytes: number;
  /** Salt for the next segment. Default: random. Tests of the format make it predictable. */
  readonly nextSalt?: () => number;
}

/**
 * A segmented write-ahead log that is its own store: a commit is one record at the end of the newest segment, and blocks are
 * read from where they were written. `docs/file-format.md` has the bytes and the argument for each crash point.
 */
export class FileBlocks implements BlockStore {
  readonly #context: BlockStoreContext;
  readonly #segmentBytes: number;
  readonly #nextSalt: () => number;
  readonly #work: BackgroundWork;
  readonly #shelf: SegmentShelf;
  readonly #reclaimer: SegmentReclaimer;
  readonly #sealer: SegmentSealer;
  #index = new BlockIndex();
  /** What was found, as long as nothing of it was mended. */
  #recovered: RecoveredLog | undefined;
  /** The segment that takes records; `undefined`: the next commit starts one. */
  #writer: SegmentWriter | undefined;
  /** The newest segment, where it takes no more records: its footer waits for the segment after it. */
  #unsealedNewest: UnsealedSegment | undefined;
  #newestId = 0;
  #newest: Pick<SegmentSummary, 'lastSequence' | 'cuts' | 'lowestCut'> = {
    lastSequence: 0,
    cuts: 0,
    lowestCut: NO_CUT,
  };
  #firstSegment = 1;
  #syncedSequence = 0;
  #kitHeader: Uint8Array | undefined;
  #failed = false;

  constructor(context: BlockStoreContext, settings: FileBlocksSettings) {
    const { directory, fileIo, backgroundFailure } = context;
    const { segmentBytes } = settings;
    this.#context = context;
    this.#segmentBytes = segmentBytes;
    this.#nextSalt = settings.nextSalt ?? (() => randomInt(2 ** 32));
    this.#work = new BackgroundWork(context.failure, backgroundFailure);
    this.#shelf = new SegmentShelf(fileIo, (error) => backgroundFailure('close a segment', error));
    const parts = { directory, fileIo, shelf: this.#shelf, work: this.#work };
    this.#reclaimer = new SegmentReclaimer({ ...parts, maxSpareBytes: 2 * segmentBytes });
    this.#sealer = new SegmentSealer(parts);
  }

  async open(): Promise<OpenedBlocks> {
    const { create, directory } = this.#context;
    const log = await recoverLog(this.#context);
    if (log.segments.length === 0 && !create) throw lostStore(directory);
    this.#adopt(log);
    const damagedRanges = log.damages.flatMap(({ lost }) => lost ?? []);
    return {
      header: log.kitHeader,
      lastIndex: await this.#highestKey(),
      discardedBytes: log.newest?.tornBytes ?? 0,
      ...(damagedRanges.length === 0 ? {} : { damagedRanges }),
    };
  }

  async settle(): Promise<void> {
    await this.#orFail(async () => {
      const log = this.#recovered;
      if (log === undefined) return;
      this.#recovered = undefined;
      for (const path of log.temporary) await this.#context.fileIo.remove(path);
      const writer = await secureNewest(this.#context, log);
      if (writer !== undefined) {
        this.#writer = writer;
        // Until now it was a segment like any other, open for reading at most.
        await this.#shelf.retire(writer.header.id);
        this.#shelf.pin(writer.segment, writer.handle, writer.contents.runs);
      }
      for (const segment of log.segments) if (segment.header.id !== writer?.header.id) this.#sealIfNeedBe(segment);
      this.#reclaimer.removeFiles(log.unneeded);
    });
  }

  async commit(commit: Commit): Promise<void> {
    await this.#orFail(async () => {
      checkCommit(commit, this.#newest.lastSequence);
      const writer = await this.#writerFor(commit);
      const cut = cutOf(commit, commit.put[0]?.key);
      const firstSegment = this.#firstSegmentAfter(cut, commit.removeThrough);
      const position = { syncedSequence: this.#syncedSequence, highKey: this.#index.highKey, firstSegment, cut };
      await writer.append(commit, position, this.#segmentBytes);
      // The record is in the file and, unless buffered, on the disk. From here on reads find it.
      this.#applyToIndex(commit, cut, writer.header);
      this.#firstSegment = firstSegment;
      this.#kitHeader = commit.header.slice();
      if (!this.#context.buffered) await this.#madeDurable();
    });
  }

  async sync(): Promise<void> {
    await this.#orFail(async () => {
      await this.#syncNewest();
      await this.#madeDurable();
    });
  }

  async readBlocks(first: number, last: number, maxBytes: number): Promise<Block[]> {
    const read: BlockRead = { first, last, maxBytes, blocks: [], bytes: 0, done: false };
    for (const piece of this.#index.from(first)) {
      // A segment that was purged meanwhile has nothing that anybody should see.
      await this.#shelf.use(piece.segment, (segment) => readPiece(segment, piece, read));
      if (read.done) break;
    }
    return read.blocks;
  }

  async close(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await this.#work.stop();
    try {
      if (this.#failed || this.#context.failure.aborted) return;
      await writer?.trim();
      await this.#reclaimer.removeSpare();
    } finally {
      await this.#shelf.close();
    }
  }

  /** Takes over what a recovery found, to be read. */
  #adopt(log: RecoveredLog): void {
    const segments = log.segments.map((segment) => ({ ...segment, header: this.#withSalt(segment) }));
    this.#recovered = { ...log, segments };
    this.#index = log.index;
    this.#kitHeader = log.kitHeader;
    this.#firstSegment = log.firstSegment;
    for (const { path, header, summary, runs, hasFooter } of segments) {
      this.#newestId = header.id;
      this.#newest = summary;
      this.#syncedSequence = summary.lastSequence;
      const held = hasFooter ? undefined : (runs ?? new RunTable());
      this.#shelf.add({ path, header, lastSequence: summary.lastSequence, runs: held });
    }
  }

  /** A segment that takes no more records and has no footer gets one, each at its time. */
  #sealIfNeedBe({
    path,
    header,
    summary,
    runs = new RunTable(),
    hasFooter,
    damaged,
    headerLost,
  }: RecoveredSegment): void {
    if (hasFooter) return;
    const unsealed = { segment: { path, header, lastSequence: summary.lastSequence }, summary, runs };
    if (damaged) this.#sealer.addDamaged({ ...unsealed, headerLost });
    else if (header.id === this.#newestId) this.#unsealedNewest = unsealed;
    else this.#sealer.add(unsealed);
  }

  /** A segment of which nothing could be read gets a salt of its own: whatever records it holds are void. */
  #withSalt({ header, headerLost }: RecoveredSegment): SegmentHeader {
    return headerLost && header.salt === 0 ? { ...header, salt: this.#nextSalt() } : header;
  }

  /** The segment that takes the commit, made if need be. */
  async #writerFor(commit: Commit): Promise<SegmentWriter> {
    const firstKey = commit.put[0]?.key;
    const repairs = commit.removeFrom === undefined && firstKey !== undefined && firstKey <= this.#index.highKey;
    const writer = this.#writer;
    if (
      writer !== undefined &&
      // Blocks in the middle get a segment of their own, so that within every segment keys rise with offsets.
      !repairs &&
      !writer.header.repair &&
      // After a salvage there may be a gap, which only the start of a segment can have.
      commit.sequence === this.#newest.lastSequence + 1 &&
      (writer.isEmpty || writer.contents.end + recordBytes(commit) <= this.#segmentBytes)
    ) {
      return writer;
    }
    return this.#startSegment(commit.sequence, repairs);
  }

  async #startSegment(firstSequence: number, repair: boolean): Promise<SegmentWriter> {
    const { directory, fileIo, buffered } = this.#context;
    // First the old segment, then the new name: that the next segment exists proves that all before it is on the disk.
    await this.#syncNewest();
    const id = this.#newestId + 1;
    if (id > MAX_SEGMENT_ID) throw new RangeError('There are no segment ids left.');
    const header: SegmentHeader = {
      id,
      salt: this.#nextSalt(),
      firstSequence,
      firstSegment: this.#newestId === 0 ? id : this.#firstSegment,
      highKey: this.#index.highKey,
      cuts: this.#newest.cuts,
      previousLowestCut: this.#newest.lowestCut,
      repair,
      kitHeader: this.#kitHeader,
    };
    const spare = this.#reclaimer.takeSpare();
    const writer = await createSegment(header, { directory, fileIo, syncWrites: !buffered, spare });
    this.#sealPrevious();
    this.#writer = writer;
    this.#newestId = id;
    this.#newest = writer.contents;
    this.#shelf.pin(writer.segment, writer.handle, writer.contents.runs);
    return writer;
  }

  /** Now that it has a successor, the segment that was the newest gets its footer. */
  #sealPrevious(): void {
    if (this.#writer !== undefined) {
      const { segment, contents } = this.#writer;
      this.#shelf.unpin(segment.header.id, contents.runs);
      this.#sealer.add({ segment, summary: contents, runs: contents.runs });
    } else if (this.#unsealedNewest !== undefined) {
      this.#sealer.add(this.#unsealedNewest);
      this.#unsealedNewest = undefined;
    }
  }

  #applyToIndex(commit: Commit, cut: number | undefined, { id, repair }: SegmentHeader): void {
    if (cut !== undefined) this.#index.removeFrom(cut);
    if (commit.removeThrough !== undefined) this.#index.removeThrough(commit.removeThrough);
    const first = commit.put[0];
    const last = commit.put.at(-1);
    if (first === undefined || last === undefined) return;
    if (repair) this.#index.replace(id, first.key, last.key);
    else this.#index.put(id, first.key, last.key);
  }

  /** The lowest segment that is needed once these removals are made. */
  #firstSegmentAfter(cut: number | undefined, removeThrough: number | undefined): number {
    if (cut === undefined && removeThrough === undefined) return this.#firstSegment;
    return this.#index.lowestSegmentAfter(cut, removeThrough) ?? this.#newestId;
  }

  /** Makes all records durable. */
  async #syncNewest(): Promise<void> {
    const { lastSequence } = this.#newest;
    if (this.#syncedSequence === lastSequence) return;
    await this.#writer?.handle.datasync();
    this.#syncedSequence = lastSequence;
  }

  /** All that was committed is on the disk: what waited for that can go on. */
  async #madeDurable(): Promise<void> {
    this.#syncedSequence = this.#newest.lastSequence;
    await this.#sealer.durable();
    this.#reclaimer.removeSegments(this.#shelf.takeBelow(this.#firstSegment));
  }

  /** Runs a write; once one has failed there are no more. */
  async #orFail(write: () => Promise<void>): Promise<void> {
    if (this.#failed) throw new Error('An earlier write of this log failed.');
    try {
      await write();
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  async #highestKey(): Promise<number | undefined> {
    for (const piece of this.#index.fromTop()) {
      const key = await this.#shelf.use(piece.segment, (segment) => highestKey(segment, piece));
      if (key !== undefined) return key;
    }
    return undefined;
  }
}

/** Refuses what the format can't hold, before anything is written. */
function checkCommit(commit: Commit, lastSequence: number): void {
  if (commit.sequence <= lastSequence) throw new RangeError(`Commit ${commit.sequence} comes after ${lastSequence}.`);
  if (commit.header.byteLength > MAX_KIT_HEADER_BYTES)
    throw new RangeError(`The header has ${commit.header.byteLength} bytes.`);
  if (bodyBytes(commit) > MAX_BODY_BYTES) throw new RangeError('A commit of 2 GiB or more does not fit into a record.');
  let previous = 0;
  for (const { key } of commit.put) {
    if (key <= previous) throw new RangeError(`Block ${key} comes after ${previous}.`);
    previous = key;
  }
}

function lostStore(directory: string): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `${directory} has no segment, although a log was made there: its files are gone. Restore them from a backup, or rebuild this node from its peers.`,
    { path: directory },
  );
}
