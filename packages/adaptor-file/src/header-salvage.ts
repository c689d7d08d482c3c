import type { FileHandle } from '@raftlog/core';
import { FileWindow } from './file-window.ts';
import { recordAt } from './record-scan.ts';
import {
  NO_CUT,
  RECORD_ALIGNMENT,
  RECORD_HEADER_BYTES,
  recordIdPrefix,
  type SegmentHeader,
  saltOfRecord,
} from './segment-format.ts';

/** What can be said of a segment whose own header is damaged, from its first intact record; `undefined` if there is none. */
export async function headerFromRecords(handle: FileHandle, id: number): Promise<SegmentHeader | undefined> {
  const window = new FileWindow(handle, await handle.size());
  const needle = recordIdPrefix(id);
  let offset = await window.find(needle, 0, RECORD_ALIGNMENT);
  while (offset !== undefined) {
    await window.fetch(offset, RECORD_HEADER_BYTES);
    const salt = saltOfRecord(window.view, offset - window.start, id, offset);
    const record = salt === undefined ? undefined : (await recordAt(window, { id, salt }, offset))?.intact;
    if (record !== undefined) {
      const { header, blocks } = record;
      return {
        id,
        salt: header.salt,
        firstSequence: header.sequence,
        firstSegment: header.firstSegment,
        highKey: header.highKeyBefore,
        cuts: header.cuts - (header.removeFrom === undefined ? 0 : 1),
        // Nobody knows what was cut before this record, and it counts only where the number of cuts says that something was.
        previousLowestCut: 1,
        repair: header.removeFrom === undefined && (blocks[0]?.key ?? NO_CUT) <= header.highKeyBefore,
        kitHeader: undefined,
      };
    }
    offset = await window.find(needle, offset + RECORD_ALIGNMENT, RECORD_ALIGNMENT);
  }
  return undefined;
}
