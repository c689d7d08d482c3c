import type { FileHandle } from '@raftlog/core';
import type { Block } from '@raftlog/kit';
import type { Piece } from './block-index.ts';
import { isUnreadable } from './files.ts';
import type { RunTable } from './run-table.ts';
import {
  alignRecord,
  BLOCK_HEADER_BYTES,
  blockBytesAt,
  blockKeyAt,
  kitHeaderBytesAt,
  RECORD_HEADER_BYTES,
  viewOf,
  whatIsAt,
} from './segment-format.ts';
import { corruption } from './segment-scan.ts';
import type { OpenSegment } from './segment-shelf.ts';

/** Runs that lie this close are read in one go: record headers and small leftovers of a cut are cheaper to skip than to seek over. */
const SMALL_GAP = 16 * 1024;

/** One thread of Node's four is left for the commits. */
const PARALLEL_SLICES = 3;
const MIN_SLICE_BYTES: number = 256 * 1024;

/** What a read is after, and what it has found so far. */
export interface BlockRead {
  readonly first: number;
  readonly last: number;
  readonly maxBytes: number;
  readonly blocks: Block[];
  bytes: number;
  /** True: nothing more is wanted. */
  done: boolean;
}

/** One run as it was when the read was planned: a commit may change the table meanwhile. */
interface PlannedRun {
  readonly start: number;
  readonly end: number;
  readonly lastKey: number;
}

/** Adds the wanted blocks of one piece: a contiguous read where the runs lie side by side. */
export async function readPiece(segment: OpenSegment, piece: Piece, read: BlockRead): Promise<void> {
  const { handle, runs, path } = segment;
  let from = Math.max(read.first, piece.low);
  while (!read.done) {
    const plan = planRead(runs, from, piece.high, read);
    const [firstRun] = plan;
    const lastRun = plan.at(-1);
    if (firstRun === undefined || lastRun === undefined) return;
    // A buffer of its own: the blocks are views on it, and nobody writes to it again.
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(lastRun.end - firstRun.start).buffer);
    const filled = await readRuns(handle, bytes, plan, firstRun.start);
    const view = viewOf(bytes.subarray(0, filled));
    for (const run of plan) {
      if (read.done) return;
      const bad = takeRun(bytes, view, firstRun.start, run, from, piece.high, read);
      if (bad !== undefined)
        throw corruption({ path, offset: bad, lost: { first: from, last: Math.min(run.lastKey, piece.high) } });
      from = run.lastKey + 1;
    }
  }
}

/** Reads the bytes of the runs, which start at `base`, with what lies between them. That may have become unreadable, and then each run is read for itself. */
async function readRuns(
  handle: FileHandle,
  bytes: Uint8Array,
  plan: readonly PlannedRun[],
  base: number,
): Promise<number> {
  try {
    return await fill(handle, bytes, base);
  } catch (error) {
    if (plan.length === 1 || !isUnreadable(error)) throw error;
    bytes.fill(0);
    for (const { start, end } of plan) await handle.read(bytes.subarray(start - base, end - base), start);
    return bytes.byteLength;
  }
}

/** Reads in slices side by side: most of a large read is the kernel's work on fresh memory, which several threads share. */
async function fill(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  const slices = Math.min(PARALLEL_SLICES, Math.ceil(bytes.byteLength / MIN_SLICE_BYTES));
  if (slices <= 1) return handle.read(bytes, position);
  const length = Math.ceil(bytes.byteLength / slices);
  const counts = await Promise.all(
    Array.from({ length: slices }, (_, slice) =>
      handle.read(bytes.subarray(slice * length, (slice + 1) * length), position + slice * length),
    ),
  );
  const short = counts.findIndex((count) => count < length);
  return short < 0 ? bytes.byteLength : short * length + (counts[short] ?? 0);
}

/** The highest key of a piece; `undefined` if no block lies within its bounds. */
export async function highestKey(segment: OpenSegment, piece: Piece): Promise<number | undefined> {
  const { runs } = segment;
  for (let run = Math.min(runs.find(piece.high), runs.length - 1); run >= 0 && runs.lastKey(run) >= piece.low; run--) {
    const low = Math.max(piece.low, runs.firstKey(run));
    const read: BlockRead = {
      first: low,
      last: piece.high,
      maxBytes: Number.POSITIVE_INFINITY,
      blocks: [],
      bytes: 0,
      done: false,
    };
    await readPiece(segment, { ...piece, low, high: Math.min(piece.high, runs.lastKey(run)) }, read);
    const last = read.blocks.at(-1);
    if (last !== undefined) return last.key;
  }
  return undefined;
}

function planRead(runs: RunTable, from: number, high: number, read: BlockRead): PlannedRun[] {
  const plan: PlannedRun[] = [];
  const wanted = read.maxBytes - read.bytes;
  let start = 0;
  let end = 0;
  for (let run = runs.find(from); run < runs.length && runs.firstKey(run) <= high; run++) {
    if (plan.length === 0) start = runs.offset(run);
    else if (runs.offset(run) - end > SMALL_GAP || end - start >= wanted) break;
    end = runs.end(run);
    plan.push({ start: runs.offset(run), end, lastKey: runs.lastKey(run) });
    if (runs.lastKey(run) >= read.last) break;
  }
  return plan;
}

/** Takes the blocks of a run from `low` to `high`. The offset where the bytes make no sense, if there is one. */
function takeRun(
  bytes: Uint8Array,
  view: DataView,
  base: number,
  run: PlannedRun,
  low: number,
  high: number,
  read: BlockRead,
): number | undefined {
  const end = run.end - base;
  const highest = Math.min(run.lastKey, high);
  for (let at = run.start - base; at < end; ) {
    const what = whatIsAt(view, at);
    if (what === 'record') {
      at += RECORD_HEADER_BYTES + kitHeaderBytesAt(view, at);
    } else if (what === 'block') {
      const key = blockKeyAt(view, at);
      const start = at + BLOCK_HEADER_BYTES;
      at = start + blockBytesAt(view, at);
      if (at > end) return base + start - BLOCK_HEADER_BYTES;
      // Behind the last live key lie blocks that were cut off.
      if (key > highest) return undefined;
      if (key >= low) {
        read.blocks.push({ key, bytes: new Uint8Array(bytes.buffer, bytes.byteOffset + start, at - start) });
        read.bytes += at - start;
        read.done = key >= read.last || read.bytes >= read.maxBytes;
        if (read.done) return undefined;
      }
      if (key === highest) return undefined;
    } else {
      const next = alignRecord(base + at) - base;
      if (next === at) return base + at;
      at = next;
    }
  }
  return undefined;
}
