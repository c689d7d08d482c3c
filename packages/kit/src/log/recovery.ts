import { type IndexRange, type LogId, StorageError } from '@raftlog/core';
import type { OpenedBlocks } from '../block-store.ts';
import type { HardStateStorage } from '../directory/hard-state-files.ts';
import type { WitnessRecord } from '../directory/witness.ts';
import { decodeHeader, type LogHeader } from '../format/header.ts';
import { LogState, UNKNOWN_TERM } from './log-state.ts';
import { surveyLog } from './salvage.ts';
import { damaged, type StoredBlocks } from './stored-blocks.ts';
import { TermRuns } from './term-runs.ts';

/** What a log is found to be when it is opened. */
export interface RecoveredLog {
  readonly state: LogState;
  /** Sequence of the last commit there was, seen by the store or by the witness. */
  readonly sequence: number;
  readonly damagedKeys: readonly number[];
  /** After a salvage: what the store still has from here on can't be vouched for, and has to go before anything is served. */
  readonly removeFrom?: number | undefined;
}

/** What recovery works from. */
export interface RecoveryParts {
  readonly opened: OpenedBlocks;
  readonly blocks: StoredBlocks;
  readonly witness: WitnessRecord | undefined;
  readonly hardState: HardStateStorage;
  readonly salvage: boolean;
}

/**
 * Checks what the store came back with against what is known besides it. A store that lost the end of its log, in silence or
 * not, must not be served as a shorter log: its node would vote for a leader that lacks what it had acknowledged.
 */
export async function recoverLog(parts: RecoveryParts): Promise<RecoveredLog> {
  const { opened, witness, hardState } = parts;
  if (opened.header === undefined) throw missingHeader();
  const header = decodeHeader(opened.header);
  if (header.hardStateSequence > (hardState.current?.sequence ?? 0)) throw lostVote(header, hardState);
  const known = Math.max(opened.lastIndex ?? 0, header.boundary?.index ?? 0);
  const stored = header.lastLogId?.index ?? 0;
  if (known > stored) throw inconsistent(known, stored);
  const sequence = Math.max(header.sequence, witness?.sequence ?? 0);
  if (parts.salvage) return { ...(await salvageLog(header, parts)), sequence };
  const lost = lostRange(header, witness, known);
  if (lost !== undefined) throw damaged(lost);
  if (header.damaged) throw notRepaired();
  const terms = await findTerms(parts.blocks, header.boundary, header.lastLogId);
  return { state: new LogState(header.boundary, header.lastLogId, terms, []), sequence, damagedKeys: [] };
}

/**
 * What of a damaged log can be vouched for. Everything else up to the highest index that anything remembers is damaged: the node gets it from
 * its peers by `repair`, cuts it off, or is reset from a snapshot. Nothing that was cut off may come back as intact.
 */
async function salvageLog(
  header: LogHeader,
  { opened, blocks, witness }: RecoveryParts,
): Promise<Omit<RecoveredLog, 'sequence'>> {
  let { boundary, lastLogId: last } = header;
  let removeFrom: number | undefined;
  if (witness !== undefined && witness.sequence > header.sequence) {
    if (!onlyGrew(last, witness.lastLogId)) {
      if (!mayFollow(boundary, witness.lastLogId)) boundary = undefined;
      removeFrom = (boundary?.index ?? 0) + 1;
    }
    last = witness.lastLogId;
  }
  const lostEnd = Math.max(0, ...(opened.damagedRanges ?? []).map((range) => range.last));
  if (lostEnd > (last?.index ?? 0)) last = { index: lostEnd, term: UNKNOWN_TERM };
  const first = (boundary?.index ?? 0) + 1;
  const end = last?.index ?? 0;
  if (removeFrom !== undefined) {
    const damaged = first <= end ? [{ first, last: end }] : [];
    return { state: new LogState(boundary, last, new TermRuns(), damaged), damagedKeys: [], removeFrom };
  }
  const { damaged, damagedKeys, terms } = await surveyLog(blocks, first, end);
  return { state: new LogState(boundary, last, terms, damaged), damagedKeys };
}

/**
 * Whether the commits that led from the end `before` to the end `after` can't have cut anything: within a term there is one leader, whose log only
 * grows, so a log that ends in the same term, not lower, has all that it had (log matching, Raft paper, section 5.3).
 */
function onlyGrew(before: LogId | undefined, after: LogId | undefined): boolean {
  return before !== undefined && after?.term === before.term && after.index >= before.index;
}

/** Whether a log with this boundary can have the end `last`; if not, a reset lies between the two. */
function mayFollow(boundary: LogId | undefined, last: LogId | undefined): boolean {
  if (boundary === undefined) return true;
  if (last === undefined || last.index < boundary.index) return false;
  if (last.index === boundary.index) return last.term === boundary.term;
  return last.term >= boundary.term || last.term === UNKNOWN_TERM;
}

/** What is lost for certain: blocks that the header speaks of, or whole commits that the witness saw. */
function lostRange(header: LogHeader, witness: WitnessRecord | undefined, known: number): IndexRange | undefined {
  const stored = header.lastLogId?.index ?? 0;
  if (witness !== undefined && witness.sequence > header.sequence) {
    // The lost commits may have cut and rewritten as well as appended: nothing above the lower of both ends is sure.
    const seen = witness.lastLogId?.index ?? 0;
    return { first: Math.max(1, Math.min(known + 1, seen, stored)), last: Math.max(1, seen, known) };
  }
  return known < stored ? { first: known + 1, last: stored } : undefined;
}

/**
 * Finds where the terms of the log change, by halving: reads a few blocks for each change and none where both ends of a stretch
 * agree, so a log of any length opens after a handful of reads.
 */
async function findTerms(
  blocks: StoredBlocks,
  boundary: LogId | undefined,
  last: LogId | undefined,
): Promise<TermRuns> {
  const changes: LogId[] = [];
  const search = async (below: LogId, above: LogId): Promise<void> => {
    if (above.index - below.index <= 1 || below.term === above.term) {
      if (above.term !== below.term) changes.push(above);
      return;
    }
    const middle = below.index + Math.ceil((above.index - below.index) / 2);
    const block = await blocks.covering(middle);
    if (block === undefined) throw damaged({ first: middle, last: middle });
    const inside = block.slice(Math.max(block.first, below.index + 1), Math.min(block.last, above.index));
    const from = inside[0];
    const to = inside.at(-1);
    if (from === undefined || to === undefined) throw damaged({ first: middle, last: middle });
    await search(below, from);
    for (const [position, entry] of inside.entries()) {
      if (position > 0 && inside[position - 1]?.term !== entry.term) changes.push(entry);
    }
    await search(to, above);
  };
  const start = boundary ?? { index: 0, term: 0 };
  if (last !== undefined && last.index > start.index) {
    // The last block is read and checked in any case: it is the one that a damaged end would hit.
    const block = await blocks.covering(last.index);
    if (block === undefined || block.last < last.index || block.at(last.index).term !== last.term) {
      throw damaged({ first: last.index, last: last.index });
    }
    await search(start, last);
  }
  const terms = new TermRuns();
  terms.append(start.index + 1, start.term);
  for (const { index, term } of changes) {
    terms.truncate(index);
    terms.append(index, term);
  }
  return terms;
}

function missingHeader(): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    'The store has no commit although this directory was made whole: its log is gone. Restore the directory from a backup, or rebuild this node from its peers.',
    {},
  );
}

function lostVote(header: LogHeader, hardState: HardStateStorage): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `The log was written after hard state ${header.hardStateSequence}, but the newest one found is ${hardState.current?.sequence ?? 0}: a vote is lost, and this node could vote twice. Restore the hard state from a backup, or remove this node from the cluster and add it anew.`,
    {},
  );
}

function inconsistent(known: number, stored: number): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `The store holds entries up to ${known}, but its header ends at ${stored}. Restore the directory from a backup, or rebuild this node from its peers.`,
    { lostRange: { first: stored + 1, last: known } },
  );
}

function notRepaired(): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    "The log was opened for salvage and its damaged ranges are not all repaired. Open with onCorruption: 'salvage' and repair them from a peer.",
    {},
  );
}
