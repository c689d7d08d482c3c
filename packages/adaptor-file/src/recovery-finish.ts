import type { FileHandle, FileIo } from '@raftlog/core';
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
      await rewrite(handle, scan.unsyncedFrom, scan.contents.end);
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

async function rewrite(handle: FileHandle, from: number, end: number): Promise<void> {
  const buffer = new Uint8Array(Math.max(0, Math.min(REWRITE_BYTES, end - from)));
  for (let offset = from; offset < end; offset += REWRITE_BYTES) {
    const read = await handle.read(buffer.subarray(0, end - offset), offset);
    await handle.write([buffer.subarray(0, read)], offset);
  }
  if (from < end) await handle.datasync();
}
