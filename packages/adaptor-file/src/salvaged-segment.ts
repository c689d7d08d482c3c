import { FileWindow } from './file-window.ts';
import type { RunTable } from './run-table.ts';
import { SegmentContents } from './segment-contents.ts';
import { readRuns } from './segment-footer.ts';
import {
  alignRecord,
  BLOCK_HEADER_BYTES,
  blockBytesAt,
  blockKeyAt,
  kitHeaderBytesAt,
  RECORD_HEADER_BYTES,
  type Trailer,
  whatIsAt,
} from './segment-format.ts';
import { type Damage, type SegmentScan, type SegmentToScan, stateBefore, takeLoss } from './segment-scan.ts';

/**
 * Looks through a segment that an earlier salvage has sealed. Its records would tell of the damage of then, which may be repaired since; its
 * footer lists what was intact. What of that has become bad is left out: the kit sees what is missing. `undefined`: the footer itself is damaged.
 */
export async function scanSalvaged(segment: SegmentToScan, trailer: Trailer): Promise<SegmentScan | undefined> {
  const { path, handle, header, next } = segment;
  const runs = await readRuns(handle, trailer);
  if (runs === undefined) return undefined;
  const window = new FileWindow(handle, await handle.size());
  const contents = SegmentContents.of(header, trailer);
  const damages: Damage[] = [];
  for (let run = 0; run < runs.length; run++) {
    contents.runs.breakRun();
    const bad = await copyRun(window, runs, run, contents.runs);
    if (bad !== undefined) damages.push({ path, offset: bad, lost: undefined });
  }
  if (next !== undefined && next.cuts !== contents.cuts) {
    takeLoss(contents, contents.highKey, undefined, stateBefore(header.id, undefined, next, true));
    damages.push({ path, offset: contents.end, lost: undefined });
  }
  return { contents, lastRecord: undefined, damages, unsyncedFrom: contents.end, tornBytes: 0, size: window.size };
}

/** Adds the blocks of one run to `copy`, up to where the bytes make no sense: the offset of that, if there is one. */
async function copyRun(window: FileWindow, runs: RunTable, run: number, copy: RunTable): Promise<number | undefined> {
  const end = runs.end(run);
  for (let at = runs.offset(run); at < end; ) {
    await window.fetch(at, RECORD_HEADER_BYTES);
    const local = at - window.start;
    const what = whatIsAt(window.view, local);
    if (what === 'record') {
      at += RECORD_HEADER_BYTES + kitHeaderBytesAt(window.view, local);
    } else if (what === 'block') {
      const key = blockKeyAt(window.view, local);
      const blockEnd = at + BLOCK_HEADER_BYTES + blockBytesAt(window.view, local);
      // Behind the last live key lie blocks that were cut off.
      if (key > runs.lastKey(run)) return undefined;
      if (blockEnd > end) return at;
      // What is in the block is for the kit to check, but it must be able to read it.
      await window.forEachSlice(at, blockEnd, () => {});
      if (window.unreadableEnd > at) return at;
      copy.add(key, at, blockEnd);
      at = blockEnd;
    } else {
      const aligned = alignRecord(at);
      if (aligned === at) return at;
      at = aligned;
    }
  }
  return undefined;
}
