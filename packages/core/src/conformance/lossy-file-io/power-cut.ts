import type { FileBytes } from './file-bytes.ts';
import type { FileNode, UnsyncedChange } from './nodes.ts';

/** Disks write sectors whole: a torn write ends at a multiple of this. */
export const SECTOR_BYTES = 512;

/**
 * What becomes of everything that was not synced.
 *
 * - `all`: it reached the disk in time. `synced`: nothing of it did.
 * - `missing`: one write did not. `torn`: one was cut at a sector, and what came after it in its file is missing.
 * - `reordered`: each page is what it was at some moment since the last sync.
 * - `size-only`: files grew, but their new parts hold zeros or what the disk held there before. `data-only`: data without the sizes.
 * - `entries-lost`: data and sizes, but no change of a directory. `entries-only`: changes of directories, but neither data nor sizes.
 * - `mixed`: each directory change, each size and each sector on its own.
 */
export type PowerCutMode =
  | 'all'
  | 'synced'
  | 'missing'
  | 'torn'
  | 'reordered'
  | 'size-only'
  | 'data-only'
  | 'entries-lost'
  | 'entries-only'
  | 'mixed';

export const POWER_CUT_MODES: readonly PowerCutMode[] = [
  'all',
  'synced',
  'missing',
  'torn',
  'reordered',
  'size-only',
  'data-only',
  'entries-lost',
  'entries-only',
  'mixed',
];

/** One outcome of a power cut. */
export interface Fate {
  /** Says what happened, for the message of a failure. */
  readonly name: string;
  /** Is this change of a directory durable? */
  keepsEntry(change: number): boolean;
  /** How many of the file's changes, in their order, its size has seen. */
  sizeAfter(file: FileNode): number;
  /** Of the file's changes that `touched` lists (by position), in their order: how many the sector has seen. */
  sectorAfter(file: FileNode, sector: number, touched: readonly number[]): number;
  /** Sectors of a grown file that no write reached hold what the disk held there before, not zeros. */
  readonly staleSectors: boolean;
}

/** A file with unsynced changes and a name to speak of it. */
export interface DirtyFile {
  readonly path: string;
  readonly file: FileNode;
}

/** Positions in `file.unsynced` of the writes to each sector. */
export function touchedSectors(file: FileNode): Map<number, number[]> {
  const touched = new Map<number, number[]>();
  for (const [position, change] of file.unsynced.entries()) {
    for (const [sector] of sectorPieces(change)) {
      const list = touched.get(sector);
      if (list === undefined) touched.set(sector, [position]);
      else list.push(position);
    }
  }
  return touched;
}

/** Contents of `file` after a power cut with this fate. `dataFirst`: the file ends where data that did not survive would begin. */
export function survivingBytes(file: FileNode, fate: Fate, stale: FileBytes, dataFirst: boolean): FileBytes {
  const disk = file.disk.fork();
  if (file.unsynced.length === 0) return disk;
  const kept = new Map<number, { readonly count: number; seen: number }>();
  let dataEnd = Number.POSITIVE_INFINITY;
  for (const [sector, touched] of touchedSectors(file)) {
    const count = fate.sectorAfter(file, sector, touched);
    kept.set(sector, { count, seen: 0 });
    const start = sector * SECTOR_BYTES;
    if (count < touched.length && start + SECTOR_BYTES > file.disk.size) {
      dataEnd = Math.min(dataEnd, Math.max(start, file.disk.size));
    }
    if (count === 0 && fate.staleSectors && start >= file.disk.size) {
      disk.write(stale.slice(start, start + SECTOR_BYTES), start);
    }
  }
  const sizeAfter = fate.sizeAfter(file);
  let size = file.disk.size;
  for (const [position, change] of file.unsynced.entries()) {
    if (change.kind === 'resize') {
      if (position >= sizeAfter) continue;
      if (change.size < disk.size) disk.resize(change.size);
      size = change.size;
      continue;
    }
    for (const [sector, start, end] of sectorPieces(change)) {
      const state = kept.get(sector);
      if (state !== undefined && state.seen++ < state.count) {
        disk.write(change.bytes.subarray(start - change.position, end - change.position), start);
      }
    }
    if (position < sizeAfter) size = Math.max(size, change.position + change.bytes.length);
  }
  disk.resize(dataFirst ? Math.min(size, dataEnd) : size);
  return disk;
}

function* sectorPieces(change: UnsyncedChange): Generator<[sector: number, start: number, end: number]> {
  if (change.kind !== 'write') return;
  const last = change.position + change.bytes.length;
  for (let start = change.position; start < last; ) {
    const sector = Math.floor(start / SECTOR_BYTES);
    const end = Math.min(last, (sector + 1) * SECTOR_BYTES);
    yield [sector, start, end];
    start = end;
  }
}
