import { crc32 } from 'node:zlib';
import type { FileHandle } from '@raftlog/core';
import { readIfReadable } from './files.ts';
import { RunTable } from './run-table.ts';
import {
  decodeTrailer,
  encodeTrailer,
  RUN_BYTES,
  type SegmentStamp,
  TRAILER_BYTES,
  type Trailer,
} from './segment-format.ts';

/** What a segment adds to the log, without the places of its blocks. */
export type SegmentSummary = Omit<Trailer, keyof SegmentStamp | 'salvaged' | 'runCount' | 'runsOffset' | 'runsCrc'>;

/**
 * Writes the footer of a segment that takes no more records: its runs, then the trailer as the last bytes of the file. Only once all its records
 * are durable and the segment after it exists. The records say the same, so it isn't synced: a torn one is as good as none. Not so a salvaged one,
 * which alone says what of the records is good: the caller syncs it.
 */
export async function writeFooter(
  handle: FileHandle,
  stamp: SegmentStamp,
  summary: SegmentSummary,
  runs: RunTable,
  salvaged: boolean,
): Promise<void> {
  const size = await handle.size();
  const payload = runs.encode();
  // A file that was recycled or filled ahead is longer than its records: the trailer is found at the end of the file, not of the records.
  // Of a damaged one every byte is kept.
  const room = salvaged ? size : Math.max(summary.end, size - payload.byteLength - TRAILER_BYTES);
  const trailer: Trailer = {
    id: stamp.id,
    salt: stamp.salt,
    salvaged,
    lastSequence: summary.lastSequence,
    lowKey: summary.lowKey,
    highKey: summary.highKey,
    lowestCut: summary.lowestCut,
    highestRemoveThrough: summary.highestRemoveThrough,
    cuts: summary.cuts,
    end: summary.end,
    runCount: runs.length,
    runsOffset: room,
    runsCrc: crc32(payload),
  };
  await handle.write([payload, encodeTrailer(trailer)], room);
}

/** The trailer, if the file ends with one of this life of the segment. */
export async function readTrailer(handle: FileHandle, stamp: SegmentStamp): Promise<Trailer | undefined> {
  const size = await handle.size();
  const bytes = new Uint8Array(TRAILER_BYTES);
  if (size < TRAILER_BYTES || (await readIfReadable(handle, bytes, size - TRAILER_BYTES)) < TRAILER_BYTES)
    return undefined;
  const trailer = decodeTrailer(bytes, stamp);
  // The file, not a number in it, says how much to allocate.
  if (trailer === undefined || trailer.runsOffset + trailer.runCount * RUN_BYTES + TRAILER_BYTES !== size)
    return undefined;
  return trailer;
}

/** The runs that a trailer speaks of; `undefined` if they are damaged. */
export async function readRuns(handle: FileHandle, trailer: Trailer): Promise<RunTable | undefined> {
  const payload = new Uint8Array(trailer.runCount * RUN_BYTES);
  await readIfReadable(handle, payload, trailer.runsOffset);
  return crc32(payload) === trailer.runsCrc ? RunTable.decode(payload) : undefined;
}
