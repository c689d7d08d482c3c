import type { FileHandle, FileIo } from '@raftlog/core';
import { isUnreadable, PAGE_BYTES } from './files.ts';
import type { RecoveredLog, RecoveredSegment } from './recovery.ts';
import type { SegmentScan } from './segment-scan.ts';
import { SegmentWriter } from './segment-writer.ts';

const REWRITE_BYTES = 1024 * 1024;

interface Place {
  readonly directory: string;
  readonly fileIo: FileIo;
  readonly buffered: boolean;
}

/**
 * The recovery barrier: what was read may be in the page cache only, left there by a process that was killed or whose fsync failed; after a
 * failed fsync the kernel takes such pages for clean, and no later fsync writes them. So every record that wasn't known to be durable
 * is written again, the same bytes to the same place. If the power fails meanwhile, each sector holds those bytes or what it held before: the
 * log is the one that was read, or torn where it was not on the disk anyway.
 *
 * Resolves to a writer that goes on with the newest segment, or to `undefined` where a new one has to be started: behind a torn tail,
 * because its remains could join what is written next to it, and behind damage.
 */
export async function secureNewest(place: Place, log: RecoveredLog): Promise<SegmentWriter | undefined> {
  const { fileIo, directory, buffered } = place;
  const segment = log.segments.at(-1);
  const scan = log.newest;
  let writer: SegmentWriter | undefined;
  if (segment !== undefined && scan !== undefined) {
    const handle = await fileIo.open(segment.path, 'write', { syncWrites: !buffered });
    try {
      await rewrite(handle, scan.unsyncedFrom, scan.contents.end, segment.damaged);
      if (takesMore(segment, scan)) {
        writer = new SegmentWriter(segment.path, segment.header, handle, scan.contents, scan.size, !buffered);
      }
    } finally {
      if (writer === undefined) await handle.close();
    }
  }
  // Names too may be there for this process only.
  await fileIo.syncDirectory(directory);
  return writer;
}

function takesMore(segment: RecoveredSegment, scan: SegmentScan): boolean {
  return !segment.damaged && !segment.hasFooter && scan.tornBytes === 0;
}

async function rewrite(handle: FileHandle, from: number, end: number, damaged: boolean): Promise<void> {
  const buffer = new Uint8Array(Math.max(0, Math.min(REWRITE_BYTES, end - from)));
  for (let offset = from; offset < end; offset += REWRITE_BYTES) {
    await rewritePiece(handle, buffer.subarray(0, end - offset), offset, damaged);
  }
  if (from < end) await handle.datasync();
}

async function rewritePiece(handle: FileHandle, into: Uint8Array, offset: number, damaged: boolean): Promise<void> {
  let read: number;
  try {
    read = await handle.read(into, offset);
  } catch (error) {
    if (!damaged || !isUnreadable(error)) throw error;
    const half = offset + into.byteLength / 2;
    const middle = Math.max(Math.ceil((offset + 1) / PAGE_BYTES), Math.floor(half / PAGE_BYTES)) * PAGE_BYTES - offset;
    // A page of the damage that the scan has left out: around it, all is written.
    if (middle >= into.byteLength) return;
    await rewritePiece(handle, into.subarray(0, middle), offset, damaged);
    await rewritePiece(handle, into.subarray(middle), offset + middle, damaged);
    return;
  }
  await handle.write([into.subarray(0, read)], offset);
}
