import type { DataChange } from '../record/change.ts';

/** What a device writes whole or not at all. */
export const SECTOR = 512;

/** The part of a write that lies in one sector. */
interface Piece {
  readonly change: DataChange;
  readonly from: number;
  readonly to: number;
}

/** What was written between two cuts of a file. */
interface Epoch {
  /** The size that it began with. */
  start: number;
  /** By number of the sector: a page has what was written to it in that order, so that of each sector a prefix is on the disk. */
  readonly sectors: Map<number, Piece[]>;
  ends: { readonly change: DataChange; readonly end: number }[];
}

/** What the disk has of the unsynced part of a file. */
export interface DataFate {
  /** Whether the part of a write that begins there is on the disk. */
  readonly isWritten: (change: DataChange, from: number) => boolean;
  /** `written`: as far as data is. `old`: as it was when it was last synced, or cut. `new`: as the process saw it. */
  readonly size: 'written' | 'old' | 'new';
}

/** A file: what of it is certainly on the disk, and what may be. */
export class PendingFile {
  #durable: Buffer;
  readonly #epochs: [Epoch, ...Epoch[]];

  constructor(content: Uint8Array = new Uint8Array()) {
    this.#durable = Buffer.from(content);
    this.#epochs = [{ start: content.length, sectors: new Map(), ends: [] }];
  }

  /** Data changes of which a part is not certainly on the disk, in their order. */
  pending(): DataChange[] {
    const changes = new Set<DataChange>();
    for (const { ends, sectors } of this.#epochs) {
      for (const { change } of ends) changes.add(change);
      for (const pieces of sectors.values()) for (const { change } of pieces) changes.add(change);
    }
    return [...changes].sort((a, b) => a.began - b.began);
  }

  change(change: DataChange): void {
    const epoch = this.#epochs.at(-1) ?? this.#epochs[0];
    const [from, end] =
      change.kind === 'write' ? [change.at, change.at + change.bytes.length] : [change.size, change.size];
    epoch.ends.push({ change, end });
    for (let at = from; at < end; ) {
      const sector = Math.floor(at / SECTOR);
      const to = Math.min(end, (sector + 1) * SECTOR);
      const pieces = epoch.sectors.get(sector) ?? [];
      pieces.push({ change, from: at, to });
      epoch.sectors.set(sector, pieces);
      at = to;
    }
  }

  resize(size: number): void {
    this.#epochs.push({ start: size, sectors: new Map(), ends: [] });
  }

  /** The oldest cut that wasn't is certainly on the disk. */
  settleResize(): void {
    const [old, cut] = this.#epochs;
    if (cut === undefined) throw new Error('There is no cut that could be settled.');
    for (const [sector, pieces] of old.sectors) {
      const kept = pieces
        .filter(({ from }) => from < cut.start)
        .map((piece) => ({ ...piece, to: Math.min(piece.to, cut.start) }));
      if (kept.length > 0) cut.sectors.set(sector, [...kept, ...(cut.sectors.get(sector) ?? [])]);
    }
    this.#durable = resized(this.#durable, cut.start);
    this.#epochs.shift();
  }

  /** A sync that began then came to its end. */
  settle(began: number): void {
    const [epoch] = this.#epochs;
    for (const [sector, pieces] of epoch.sectors) {
      const first = pieces.findIndex(({ change }) => change.ended >= began);
      this.#settlePieces(epoch, sector, first < 0 ? pieces.length : first);
    }
    const covered = epoch.ends.filter(({ change }) => change.ended < began);
    this.#settleEnds(epoch, covered);
  }

  /** A write that goes through came to its end. */
  settleWrite(change: DataChange): void {
    const [epoch] = this.#epochs;
    for (const [sector, pieces] of epoch.sectors) {
      const last = pieces.findIndex((piece) => piece.change === change);
      if (last >= 0) this.#settlePieces(epoch, sector, last + 1);
    }
    this.#settleEnds(
      epoch,
      epoch.ends.filter((end) => end.change === change),
    );
  }

  #settlePieces(epoch: Epoch, sector: number, count: number): void {
    const pieces = epoch.sectors.get(sector) ?? [];
    const settled = pieces.splice(0, count);
    if (pieces.length === 0) epoch.sectors.delete(sector);
    const end = Math.max(0, ...settled.map(({ to }) => to));
    // The size is settled apart: until then what lies beyond it is on the disk, but not in the file.
    if (end > this.#durable.length) this.#durable = resized(this.#durable, end);
    for (const piece of settled) copyPiece(piece, this.#durable);
  }

  #settleEnds(epoch: Epoch, covered: Epoch['ends']): void {
    epoch.start = Math.max(epoch.start, ...covered.map(({ end }) => end));
    epoch.ends = epoch.ends.filter((end) => !covered.includes(end));
  }

  /** The file, if the disk has that many of its unsettled cuts. */
  content(cuts: number, { isWritten, size }: DataFate): Uint8Array {
    const epochs = this.#epochs.slice(0, cuts + 1);
    let room = this.#durable.length;
    for (const { start, ends } of epochs) room = Math.max(room, start, ...ends.map(({ end }) => end));
    const bytes = Buffer.alloc(room);
    this.#durable.copy(bytes);
    let length = 0;
    for (const [number, epoch] of epochs.entries()) {
      length = epoch.start;
      if (number > 0) bytes.fill(0, length);
      let written = length;
      for (const pieces of epoch.sectors.values()) {
        for (const piece of pieces) {
          if (!isWritten(piece.change, piece.from)) break;
          copyPiece(piece, bytes);
          written = Math.max(written, piece.to);
        }
      }
      for (const { change, end } of epoch.ends) {
        if (change.kind === 'extend' && isWritten(change, end)) written = Math.max(written, end);
        if (size === 'new') length = Math.max(length, end);
      }
      if (size === 'written') length = written;
    }
    return bytes.subarray(0, length);
  }
}

function resized(bytes: Buffer, size: number): Buffer {
  if (size <= bytes.length) return bytes.subarray(0, size);
  const larger = Buffer.alloc(size);
  bytes.copy(larger);
  return larger;
}

function copyPiece({ change, from, to }: Piece, target: Buffer): void {
  if (change.kind === 'write') target.set(change.bytes.subarray(from - change.at, to - change.at), from);
}
