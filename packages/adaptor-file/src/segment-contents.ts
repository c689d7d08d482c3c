import { RunTable } from './run-table.ts';
import type { SegmentSummary } from './segment-footer.ts';
import { NO_CUT, type SegmentHeader } from './segment-format.ts';

/** Where one block of a record lies, its own header included. */
export interface PlacedBlock {
  readonly key: number;
  readonly offset: number;
  readonly end: number;
}

/** The change that a record makes, with the places of its blocks. */
export interface PlacedCommit {
  readonly sequence: number;
  /** As {@link cutOf} has it. */
  readonly cut: number | undefined;
  readonly removeThrough: number | undefined;
  readonly blocks: readonly PlacedBlock[];
  /** Where the record ends. */
  readonly end: number;
}

/**
 * From where on a commit removes keys: a block that it puts is above every key that is left, so nothing at or above the first
 * one survives either. (A truncation inside a block at 8 removes from 8 on and puts back a head with the key 7.)
 */
export function cutOf(
  commit: { readonly removeFrom?: number | undefined },
  firstPut: number | undefined,
): number | undefined {
  return commit.removeFrom === undefined ? undefined : Math.min(commit.removeFrom, firstPut ?? NO_CUT);
}

/**
 * The net effect of the records of one segment, in order: what lives in it, and what it removed from the segments before it.
 * Append path and recovery build it by the same `apply`.
 */
export class SegmentContents implements SegmentSummary {
  readonly runs: RunTable = new RunTable();
  lastSequence: number;
  /** Where the last record ends. */
  end: number;
  cuts: number;
  lowestCut: number = NO_CUT;
  highestRemoveThrough = 0;
  lowKey = 1;
  highKey = 0;

  constructor(header: SegmentHeader, end: number) {
    this.lastSequence = header.firstSequence - 1;
    this.cuts = header.cuts;
    this.end = end;
  }

  apply(commit: PlacedCommit): void {
    if (commit.cut !== undefined) {
      this.cuts++;
      this.cutFrom(commit.cut);
    }
    if (commit.removeThrough !== undefined) {
      this.highestRemoveThrough = Math.max(this.highestRemoveThrough, commit.removeThrough);
      this.lowKey = Math.max(this.lowKey, commit.removeThrough + 1);
    }
    const [first] = commit.blocks;
    if (first !== undefined && this.lowKey > this.highKey) {
      // Nothing here is alive. Forget it, or a log that was reset to lower indexes would be hidden below the old `lowKey`.
      this.runs.cut(0);
      this.lowKey = first.key;
    }
    for (const block of commit.blocks) {
      this.runs.add(block.key, block.offset, block.end);
      this.highKey = block.key;
    }
    this.lastSequence = commit.sequence;
    this.end = commit.end;
  }

  /** What a footer says, but for the runs. */
  static of(header: SegmentHeader, summary: SegmentSummary): SegmentContents {
    const contents = new SegmentContents(header, summary.end);
    contents.lastSequence = summary.lastSequence;
    contents.cuts = summary.cuts;
    contents.lowestCut = summary.lowestCut;
    contents.highestRemoveThrough = summary.highestRemoveThrough;
    contents.lowKey = summary.lowKey;
    contents.highKey = summary.highKey;
    return contents;
  }

  /** Leaves out damage: the next record has this sequence and starts here. */
  skipTo(sequence: number, offset: number): void {
    this.runs.breakRun();
    this.lastSequence = sequence - 1;
    this.end = offset;
  }

  cutFrom(key: number): void {
    this.lowestCut = Math.min(this.lowestCut, key);
    this.runs.cut(key);
    this.highKey = Math.min(this.highKey, key - 1);
  }
}
