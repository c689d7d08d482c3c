import type { FileIo } from '@raftlog/core';
import type { BackgroundWork } from './background-work.ts';
import { segmentPath, temporaryPath } from './segment-names.ts';
import type { SegmentShelf } from './segment-shelf.ts';

/** What a reclaimer works on. */
export interface ReclaimerParts {
  readonly directory: string;
  readonly fileIo: FileIo;
  readonly shelf: SegmentShelf;
  readonly work: BackgroundWork;
  /** Files larger than this are not kept as a spare. */
  readonly maxSpareBytes: number;
}

/**
 * Removes segments in the background, one at a time, and keeps one of them as the next new segment: its blocks are
 * allocated already. The record that says that they aren't needed is durable before any of this starts, so a crash leaves at most
 * files that the next open removes.
 */
export class SegmentReclaimer {
  readonly #parts: ReclaimerParts;
  #spare: string | undefined;

  constructor(parts: ReclaimerParts) {
    this.#parts = parts;
  }

  /** Removes segments that no read can find any more. */
  removeSegments(ids: readonly number[]): void {
    for (const id of ids) this.#parts.work.enqueue('remove a segment', () => this.#removeSegment(id));
  }

  removeFiles(paths: readonly string[]): void {
    for (const path of paths) this.#parts.work.enqueue('remove a file', () => this.#parts.fileIo.remove(path));
  }

  /** A file for the next segment, if one is ready. */
  takeSpare(): string | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  async removeSpare(): Promise<void> {
    const spare = this.takeSpare();
    if (spare !== undefined) await this.#parts.fileIo.remove(spare);
  }

  async #removeSegment(id: number): Promise<void> {
    const { directory, fileIo, shelf } = this.#parts;
    const path = segmentPath(directory, id);
    // A reader has the file open: it may be removed under him, but not be written to.
    const unread = await shelf.retire(id);
    if (unread && this.#spare === undefined && (await this.#isFit(path)))
      await this.#keepAsSpare(path, temporaryPath(directory, id));
    else await fileIo.remove(path);
  }

  async #isFit(path: string): Promise<boolean> {
    const handle = await this.#parts.fileIo.open(path, 'read');
    try {
      return (await handle.size()) <= this.#parts.maxSpareBytes;
    } finally {
      await handle.close();
    }
  }

  async #keepAsSpare(from: string, to: string): Promise<void> {
    const { directory, fileIo } = this.#parts;
    await fileIo.rename(from, to);
    // Before its header may be overwritten: after a crash the live name must not lead to the header of another segment.
    await fileIo.syncDirectory(directory);
    this.#spare = to;
  }
}
