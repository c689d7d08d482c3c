import type { FileHandle, FileIo } from '@raftlog/core';
import type { BackgroundWork } from './background-work.ts';
import { withFile } from './files.ts';
import type { RunTable } from './run-table.ts';
import { type SegmentSummary, writeFooter } from './segment-footer.ts';
import { encodeSegmentHeader } from './segment-format.ts';
import { temporaryPath } from './segment-names.ts';
import type { Segment, SegmentShelf } from './segment-shelf.ts';

/** A segment that takes no more records and has no footer yet. */
export interface UnsealedSegment {
  readonly segment: Segment;
  readonly summary: SegmentSummary;
  readonly runs: RunTable;
}

/** A segment in which a salvage found damage. */
export interface DamagedSegment extends UnsealedSegment {
  readonly headerLost: boolean;
}

/** What a sealer works on. */
export interface SealerParts {
  readonly directory: string;
  readonly fileIo: FileIo;
  readonly shelf: SegmentShelf;
  readonly work: BackgroundWork;
}

/** Gives old segments their footers. */
export class SegmentSealer {
  readonly #parts: SealerParts;
  #damaged: DamagedSegment[] = [];

  constructor(parts: SealerParts) {
    this.#parts = parts;
  }

  /** To be sealed in the background: its records are on the disk, and so is the segment after it. */
  add(unsealed: UnsealedSegment): void {
    this.#parts.work.enqueue('write the footer of a segment', () => this.#seal(unsealed));
  }

  /** To be sealed once the next commit is durable. */
  addDamaged(damaged: DamagedSegment): void {
    this.#damaged.push(damaged);
  }

  /**
   * All that was committed is on the disk, and with it the kit's note of which ranges are lost. So damaged segments are sealed now: when the
   * ranges are repaired, the log must be whole for an open that refuses damage.
   */
  async durable(): Promise<void> {
    if (this.#damaged.length === 0) return;
    for (const damaged of this.#damaged.splice(0)) await this.#parts.work.run(() => this.#sealDamaged(damaged));
  }

  async #seal({ segment, summary, runs }: UnsealedSegment): Promise<void> {
    const { fileIo, shelf } = this.#parts;
    // It may have been purged since.
    if (!shelf.has(segment.header.id)) return;
    await withFile(fileIo, segment.path, 'write', (handle) =>
      writeFooter(handle, segment.header, summary, runs, false),
    );
    shelf.settle(segment, runs);
  }

  /** Makes a damaged segment whole again, as one that holds what was found intact. Every other byte of it stays. */
  async #sealDamaged({ segment, summary, runs, headerLost }: DamagedSegment): Promise<void> {
    const { fileIo, directory, shelf } = this.#parts;
    const { path, header } = segment;
    if (!shelf.has(header.id)) return;
    if ((await fileIo.kind(path)) === undefined) {
      const temporary = temporaryPath(directory, header.id);
      const handle = await fileIo.open(temporary, 'create-new');
      await handle.close();
      await withFile(fileIo, temporary, 'write', (file) => rewriteHeader(file, segment));
      await fileIo.rename(temporary, path);
      await fileIo.syncDirectory(directory);
    } else if (headerLost) {
      await withFile(fileIo, path, 'write', (file) => rewriteHeader(file, segment));
    }
    await withFile(fileIo, path, 'write', async (handle) => {
      await writeFooter(handle, header, summary, runs, true);
      await handle.datasync();
    });
    shelf.settle(segment, runs);
  }
}

async function rewriteHeader(handle: FileHandle, { header }: Segment): Promise<void> {
  await handle.write([encodeSegmentHeader(header)], 0);
  await handle.datasync();
}
