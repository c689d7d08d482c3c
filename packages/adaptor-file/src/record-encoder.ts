import { crc32 } from 'node:zlib';
import { type Commit, crc32WithBlock } from '@raftlog/kit';
import type { PlacedBlock } from './segment-contents.ts';
import {
  alignRecord,
  BLOCK_HEADER_BYTES,
  encodeBlockHeader,
  encodeRecordHeader,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  viewOf,
} from './segment-format.ts';

/** What of a record's header doesn't follow from the commit. */
export type RecordContext = Omit<
  RecordHeader,
  'sequence' | 'removeFrom' | 'removeThrough' | 'bodyBytes' | 'bodyCrc' | 'blockCount' | 'kitHeaderBytes'
>;

/** A record ready to be written: its bytes in pieces, blocks uncopied. */
export interface EncodedRecord {
  readonly chunks: Uint8Array[];
  readonly blocks: readonly PlacedBlock[];
  /** Length with padding. */
  readonly bytes: number;
}

const PADDING = new Uint8Array(8);

/** Length of the record of a commit, with padding. */
export function recordBytes(commit: Commit): number {
  return alignRecord(RECORD_HEADER_BYTES + bodyBytes(commit));
}

export function bodyBytes(commit: Commit): number {
  return commit.put.reduce((sum, block) => sum + BLOCK_HEADER_BYTES + block.bytes.byteLength, commit.header.byteLength);
}

/** Makes records of commits. The buffer for what isn't a block is used again: encode the next one when the last is written. */
export class RecordEncoder {
  #scratch: Uint8Array = new Uint8Array(4096);

  encode(commit: Commit, context: RecordContext): EncodedRecord {
    const { header, put } = commit;
    const headBytes = RECORD_HEADER_BYTES + header.byteLength;
    const needed = headBytes + put.length * BLOCK_HEADER_BYTES;
    if (this.#scratch.byteLength < needed) this.#scratch = new Uint8Array(needed * 2);
    const scratch = this.#scratch;
    const view = viewOf(scratch);
    scratch.set(header, RECORD_HEADER_BYTES);

    const chunks: Uint8Array[] = [];
    const blocks: PlacedBlock[] = [];
    let bodyCrc = crc32(header);
    let offset = context.offset + headBytes;
    let at = headBytes;
    let chunkStart = 0;
    for (const { key, bytes } of put) {
      encodeBlockHeader(view, at, key, bytes.byteLength);
      bodyCrc = crc32(scratch.subarray(at, at + BLOCK_HEADER_BYTES), bodyCrc);
      at += BLOCK_HEADER_BYTES;
      bodyCrc = crc32WithBlock(bytes, bodyCrc);
      const end = offset + BLOCK_HEADER_BYTES + bytes.byteLength;
      blocks.push({ key, offset, end });
      offset = end;
      chunks.push(scratch.subarray(chunkStart, at), bytes);
      chunkStart = at;
    }
    if (put.length === 0) chunks.push(scratch.subarray(0, headBytes));
    const bytes = offset - context.offset;
    const padded = alignRecord(bytes);
    if (padded > bytes) chunks.push(PADDING.subarray(0, padded - bytes));
    // Spelled out: spreading `context` costs each commit several kilobytes of garbage.
    encodeRecordHeader(view, scratch, {
      id: context.id,
      salt: context.salt,
      offset: context.offset,
      syncedSequence: context.syncedSequence,
      highKeyBefore: context.highKeyBefore,
      highKeyAfter: context.highKeyAfter,
      lowestCut: context.lowestCut,
      cuts: context.cuts,
      firstSegment: context.firstSegment,
      sequence: commit.sequence,
      removeFrom: commit.removeFrom,
      removeThrough: commit.removeThrough,
      bodyBytes: bytes - RECORD_HEADER_BYTES,
      bodyCrc,
      blockCount: put.length,
      kitHeaderBytes: header.byteLength,
    });
    return { chunks, blocks, bytes: padded };
  }
}
