import {
  type Entry,
  type EntryKind,
  type HardState,
  type LogId,
  MAX_INDEX,
  MAX_TERM,
  StorageError,
} from '@raftlog/core';
import { invalidArgument } from '../argument.ts';

const KINDS: ReadonlySet<unknown> = new Set<EntryKind>(['noop', 'command', 'config']);
const MAX_VOTE_BYTES = 1024;

/** Options and ranges, whose parts are all optional: `undefined` has become `{}` by then. */
export function checkObject(argument: string, value: object): void {
  if (typeof value !== 'object' || value === null) throw invalidArgument(argument, value, 'an object');
}

/** One end of a range, or an index that is only looked up: above every index is no mistake there, `Number.MAX_SAFE_INTEGER` stands for the end. */
export function checkPosition(argument: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw invalidArgument(argument, value, 'a safe integer, 0 or more');
}

/** An index that an entry can have. */
export function checkIndex(argument: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > MAX_INDEX) {
    throw invalidArgument(argument, value, 'a safe integer from 1 to 2^53 - 2');
  }
}

function checkTerm(argument: string, value: number, lowest: 0 | 1): void {
  if (!Number.isSafeInteger(value) || value < lowest || value > MAX_TERM) {
    throw invalidArgument(argument, value, `a safe integer from ${lowest} to 2^53 - 1`);
  }
}

export function checkLogId(argument: string, value: LogId): void {
  if (typeof value !== 'object' || value === null) throw invalidArgument(argument, value, 'a log id { index, term }');
  checkIndex(`${argument}.index`, value.index);
  checkTerm(`${argument}.term`, value.term, 1);
}

/** Checks that `entries` are entries that follow `previous` without a gap and without a falling term. Answers for the bytes of their data. */
export function checkEntries(entries: readonly Entry[], previous: LogId, maxEntryBytes: number): number {
  let bytes = 0;
  let { index, term } = previous;
  for (const entry of entries) {
    if (typeof entry !== 'object' || entry === null)
      throw invalidArgument('entry', entry, 'an entry { index, term, kind, data }');
    checkIndex('entry.index', entry.index);
    checkTerm('entry.term', entry.term, 1);
    if (!KINDS.has(entry.kind)) throw invalidArgument('entry.kind', entry.kind, "'noop', 'command' or 'config'");
    if (!(entry.data instanceof Uint8Array)) throw invalidArgument('entry.data', entry.data, 'a Uint8Array');
    index++;
    if (entry.index !== index) {
      throw new StorageError(
        'NON_CONTIGUOUS',
        `Entry ${entry.index} was given where the log continues at ${index}. Send the entries from ${index} on; to overwrite a suffix use replaceRange.`,
        { expectedIndex: index, actualIndex: entry.index },
      );
    }
    if (entry.term < term) {
      throw new StorageError(
        'TERM_REGRESSION',
        `Entry ${entry.index} has term ${entry.term}, below term ${term} of the entry before it. Terms never fall along a log.`,
        { lastTerm: term, actualTerm: entry.term },
      );
    }
    term = entry.term;
    if (entry.data.length > maxEntryBytes) {
      throw new StorageError(
        'TOO_LARGE',
        `Entry ${entry.index} has ${entry.data.length} bytes; this engine takes at most ${maxEntryBytes}. Split the command, or keep large values elsewhere.`,
        { bytes: entry.data.length, limit: maxEntryBytes },
      );
    }
    bytes += entry.data.length;
  }
  return bytes;
}

/** Checks that `next` may follow `accepted`. Answers whether it is a change. */
export function checkHardState(next: HardState, accepted: HardState | undefined): boolean {
  if (typeof next !== 'object' || next === null)
    throw invalidArgument('hardState', next, 'a hard state { currentTerm, votedFor }');
  const { currentTerm, votedFor } = next;
  checkTerm('hardState.currentTerm', currentTerm, 0);
  if (votedFor !== undefined) {
    if (typeof votedFor !== 'string') throw invalidArgument('hardState.votedFor', votedFor, 'a string or undefined');
    const bytes = Buffer.byteLength(votedFor);
    if (bytes === 0 || bytes > MAX_VOTE_BYTES) {
      throw invalidArgument('hardState.votedFor', votedFor, `1 to ${MAX_VOTE_BYTES} bytes of UTF-8, or undefined`);
    }
    // Lone surrogates would come back as another string: another candidate.
    if (Buffer.from(votedFor).toString() !== votedFor)
      throw invalidArgument('hardState.votedFor', votedFor, 'well-formed Unicode');
    if (currentTerm === 0) throw invalidArgument('hardState.votedFor', votedFor, 'undefined in term 0');
  }
  if (accepted === undefined) return true;
  if (currentTerm < accepted.currentTerm) {
    throw new StorageError(
      'TERM_REGRESSION',
      `Term ${currentTerm} is below the saved term ${accepted.currentTerm}. A node's term never falls.`,
      { lastTerm: accepted.currentTerm, actualTerm: currentTerm },
    );
  }
  if (currentTerm === accepted.currentTerm && accepted.votedFor !== undefined && votedFor !== accepted.votedFor) {
    throw new StorageError(
      'VOTE_CONFLICT',
      `The vote of term ${currentTerm} was given already. A vote never changes within its term.`,
      { accepted, refused: { currentTerm, votedFor } },
    );
  }
  return currentTerm !== accepted.currentTerm || votedFor !== accepted.votedFor;
}
