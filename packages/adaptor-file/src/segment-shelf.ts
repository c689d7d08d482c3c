import type { FileHandle, FileIo } from '@raftlog/core';
import type { RunTable } from './run-table.ts';
import { readRuns, readTrailer } from './segment-footer.ts';
import type { SegmentHeader } from './segment-format.ts';
import { scanSegment } from './segment-scan.ts';

/** Open files and run tables of sealed segments that are kept for the next read. */
const MAX_OPEN_FILES = 32;
const MAX_RUN_BYTES: number = 4 * 1024 * 1024;

/** A segment of the log. */
export interface Segment {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly lastSequence: number;
  /** Where the blocks lie, as long as the segment has no footer that says so. */
  readonly runs?: RunTable | undefined;
}

/** What a read needs of a segment. */
export interface OpenSegment {
  readonly path: string;
  readonly handle: FileHandle;
  readonly runs: RunTable;
}

interface Place {
  readonly ready: Promise<OpenSegment>;
  runBytes: number;
  readers: number;
  /** True: records are still added to it. */
  pinned: boolean;
  retired: boolean;
}

/** The segments that can be read: any number of them, of which few are open and have their run table in memory. */
export class SegmentShelf {
  readonly #fileIo: FileIo;
  readonly #closeFailed: (error: unknown) => void;
  readonly #segments = new Map<number, Segment>();
  /** Those that are open, the one used last at the end. */
  readonly #open = new Map<number, Place>();

  constructor(fileIo: FileIo, closeFailed: (error: unknown) => void) {
    this.#fileIo = fileIo;
    this.#closeFailed = closeFailed;
  }

  has(id: number): boolean {
    return this.#segments.has(id);
  }

  /** Takes the segments below `id` out of reach of new reads; each must be retired then. */
  takeBelow(id: number): number[] {
    const taken: number[] = [];
    for (const low of this.#segments.keys()) {
      if (low >= id) break;
      taken.push(low);
    }
    for (const low of taken) this.#segments.delete(low);
    return taken;
  }

  add(segment: Segment): void {
    this.#segments.set(segment.header.id, segment);
  }

  /** Adds the segment that takes records: it stays open until it is settled or retired. */
  pin(segment: Segment, handle: FileHandle, runs: RunTable): void {
    this.add({ ...segment, runs });
    const ready = Promise.resolve({ path: segment.path, handle, runs });
    this.#open.set(segment.header.id, { ready, runBytes: 0, readers: 0, pinned: true, retired: false });
  }

  /** The segment takes no more records: it may be closed while others are used more. */
  unpin(id: number, runs: RunTable): void {
    const place = this.#open.get(id);
    if (place === undefined) return;
    place.pinned = false;
    place.runBytes = runs.byteLength;
    this.#shrink();
  }

  /** The segment's footer has the runs now. */
  settle({ path, header, lastSequence }: Segment, runs: RunTable): void {
    // It may have been taken away while the footer was written.
    if (!this.has(header.id)) return;
    this.add({ path, header, lastSequence });
    this.unpin(header.id, runs);
  }

  /** Runs `read` with the segment open; `undefined` if the segment is retired. */
  async use<T>(id: number, read: (segment: OpenSegment) => Promise<T>): Promise<T | undefined> {
    const segment = this.#segments.get(id);
    if (segment === undefined) return undefined;
    const place = this.#open.get(id) ?? this.#openPlace(segment);
    this.#open.delete(id);
    this.#open.set(id, place);
    place.readers++;
    try {
      return await read(await place.ready);
    } finally {
      place.readers--;
      if (place.retired && place.readers === 0) await this.#close(place);
      else this.#shrink();
    }
  }

  /** Takes a segment away. True: nobody reads it, its handle is closed. False: it is closed when the last reader has finished. */
  async retire(id: number): Promise<boolean> {
    this.#segments.delete(id);
    const place = this.#open.get(id);
    if (place === undefined) return true;
    this.#open.delete(id);
    place.retired = true;
    if (place.readers > 0) return false;
    await this.#close(place);
    return true;
  }

  async close(): Promise<void> {
    const places = [...this.#open.values()];
    this.#open.clear();
    this.#segments.clear();
    await Promise.all(places.map((place) => this.#close(place)));
  }

  #openPlace(segment: Segment): Place {
    const ready = this.#load(segment);
    const place: Place = { ready, runBytes: 0, readers: 0, pinned: false, retired: false };
    ready.then(
      ({ runs }) => {
        place.runBytes = runs.byteLength;
      },
      () => {
        if (this.#open.get(segment.header.id) === place) this.#open.delete(segment.header.id);
      },
    );
    return place;
  }

  async #load(segment: Segment): Promise<OpenSegment> {
    const { path, header } = segment;
    const handle = await this.#fileIo.open(path, 'read');
    try {
      if (segment.runs !== undefined) return { path, handle, runs: segment.runs };
      const trailer = await readTrailer(handle, header);
      const runs = (trailer && (await readRuns(handle, trailer))) ?? (await scanRuns(segment, handle));
      return { path, handle, runs };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  #shrink(): void {
    let files = 0;
    let bytes = 0;
    for (const place of this.#open.values()) {
      files += place.pinned ? 0 : 1;
      bytes += place.runBytes;
    }
    for (const [id, place] of this.#open) {
      if (files <= MAX_OPEN_FILES && bytes <= MAX_RUN_BYTES) return;
      if (place.pinned || place.readers > 0) continue;
      files--;
      bytes -= place.runBytes;
      this.#open.delete(id);
      void this.#close(place);
    }
  }

  async #close(place: Place): Promise<void> {
    try {
      await (await place.ready).handle.close();
    } catch (error) {
      this.#closeFailed(error);
    }
  }
}

/** The footer is gone, the records are there: all of them are durable, so anything bad among them is damage. */
async function scanRuns({ path, header, lastSequence }: Segment, handle: FileHandle): Promise<RunTable> {
  const scan = await scanSegment({
    path,
    handle,
    header,
    next: undefined,
    provenSequence: lastSequence,
    sealedSequence: undefined,
    salvage: false,
  });
  return scan.contents.runs;
}
