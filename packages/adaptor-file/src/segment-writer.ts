import type { FileHandle, FileIo } from '@raftlog/core';
import type { Commit } from '@raftlog/kit';
import { isFull } from './files.ts';
import { type EncodedRecord, RecordEncoder } from './record-encoder.ts';
import { SegmentContents } from './segment-contents.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from './segment-format.ts';
import { segmentPath, temporaryPath } from './segment-names.ts';
import type { Segment } from './segment-shelf.ts';

/**
 * A file grows by this much at a time where commits are small, but by no more than a part of the segment: fdatasync is a third
 * cheaper when it has no new size to record.
 */
const GROWTH_BYTES: number = 256 * 1024;
const GROWTH_PART = 64;

/** Up to here a commit is small. */
const SMALL_RECORD_BYTES: number = 16 * 1024;

const ZEROS = new Uint8Array(GROWTH_BYTES);

/** What the writer of a segment needs to know of the log, and of what a commit does to it. */
export interface LogPosition {
  readonly syncedSequence: number;
  readonly highKey: number;
  readonly firstSegment: number;
  readonly cut: number | undefined;
}

/** The segment that takes records. */
export class SegmentWriter {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly handle: FileHandle;
  readonly contents: SegmentContents;
  readonly #encoder = new RecordEncoder();
  #growsAhead: boolean;
  /** Length of the file: up to here blocks are allocated and written. */
  #size: number;

  constructor(
    path: string,
    header: SegmentHeader,
    handle: FileHandle,
    contents: SegmentContents,
    size: number,
    growsAhead: boolean,
  ) {
    this.path = path;
    this.header = header;
    this.handle = handle;
    this.contents = contents;
    this.#size = size;
    this.#growsAhead = growsAhead;
  }

  get segment(): Segment {
    return { path: this.path, header: this.header, lastSequence: this.contents.lastSequence };
  }

  get isEmpty(): boolean {
    return this.contents.end === SEGMENT_HEADER_BYTES;
  }

  /** Writes the record of a commit: one call, which on a handle with `syncWrites` is durable when it resolves. */
  async append(commit: Commit, position: LogPosition, segmentBytes: number): Promise<void> {
    const { contents, header } = this;
    const { put } = commit;
    const { cut } = position;
    const record = this.#encoder.encode(commit, {
      id: header.id,
      salt: header.salt,
      offset: contents.end,
      syncedSequence: position.syncedSequence,
      firstSegment: position.firstSegment,
      highKeyBefore: position.highKey,
      highKeyAfter: Math.max(
        put.at(-1)?.key ?? 0,
        cut === undefined ? position.highKey : Math.min(position.highKey, cut - 1),
      ),
      cuts: contents.cuts + (cut === undefined ? 0 : 1),
      lowestCut: Math.min(contents.lowestCut, cut ?? contents.lowestCut),
    });
    const end = contents.end + record.bytes;
    const ahead = this.#zerosAhead(record, end, segmentBytes);
    await this.#write(record.chunks, contents.end, ahead);
    this.#size = Math.max(this.#size, end + ahead);
    const { sequence, removeThrough } = commit;
    contents.apply({ sequence, cut, removeThrough, blocks: record.blocks, end });
  }

  /** Cuts off what was only allocated ahead: a log that was closed cleanly ends with its last record. */
  async trim(): Promise<void> {
    if (this.#size <= this.contents.end) return;
    await this.handle.truncate(this.contents.end);
    this.#size = this.contents.end;
  }

  /** Writes a record and zeros behind it: in one call, for a trip to the disk is what a small commit costs. */
  async #write(record: Uint8Array[], offset: number, ahead: number): Promise<void> {
    if (ahead === 0) return this.handle.write(record, offset);
    try {
      await this.handle.write([...record, ZEROS.subarray(0, ahead)], offset);
    } catch (error) {
      if (!isFull(error)) throw error;
      // There may be room for the record alone. To write it again is safe, unlike to sync again what a failed sync may have dropped: every byte
      // that counts is handed over anew. The records before it are durable, for only a file with synced writes grows ahead; this one is
      // acknowledged to nobody; and what of the zeros has got behind it is as good as none.
      this.#growsAhead = false;
      await this.handle.write(record, offset);
    }
  }

  #zerosAhead(record: EncodedRecord, end: number, segmentBytes: number): number {
    if (!this.#growsAhead || end <= this.#size || record.bytes > SMALL_RECORD_BYTES) return 0;
    const growth = Math.min(GROWTH_BYTES, Math.floor(segmentBytes / GROWTH_PART));
    return Math.max(0, Math.min(Math.ceil(end / growth) * growth, segmentBytes) - end);
  }
}

/** How a new segment is made. */
export interface NewSegment {
  readonly directory: string;
  readonly fileIo: FileIo;
  readonly syncWrites: boolean;
  /** A file to use again. */
  readonly spare: string | undefined;
}

/**
 * Makes a segment. It gets its live name when its header is on the disk, and has it for good before this resolves: so a live name without a
 * good header is damage, whatever crash there was, and a record is never acknowledged in a file that a crash could make vanish.
 */
export async function createSegment(header: SegmentHeader, options: NewSegment): Promise<SegmentWriter> {
  const { directory, fileIo, spare, syncWrites } = options;
  const path = segmentPath(directory, header.id);
  const temporary = spare ?? temporaryPath(directory, header.id);
  const handle = await fileIo.open(temporary, spare === undefined ? 'create-new' : 'write', { syncWrites });
  try {
    await handle.write([encodeSegmentHeader(header)], 0);
    if (!syncWrites) await handle.datasync();
    await fileIo.rename(temporary, path);
    await fileIo.syncDirectory(directory);
    const contents = new SegmentContents(header, SEGMENT_HEADER_BYTES);
    return new SegmentWriter(path, header, handle, contents, await handle.size(), syncWrites);
  } catch (error) {
    await handle.close();
    throw error;
  }
}
