import {
  type Entry,
  type EntryKind,
  type HardState,
  type LogId,
  MAX_INDEX,
  MAX_TERM,
  StorageError,
} from '@raftlog/core';

const kinds = new Set<unknown>(['noop', 'command', 'config'] satisfies EntryKind[]);

export function invalid(argument: string, received: unknown, expected: string): StorageError<'INVALID_ARGUMENT'> {
  const shown = typeof received === 'object' ? Object.prototype.toString.call(received) : String(received);
  return new StorageError('INVALID_ARGUMENT', `${argument} is ${shown}; give ${expected}.`, {
    argument,
    received: shown,
  });
}

export function checkInteger(argument: string, value: unknown, lowest: number, highest: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= lowest && value <= highest) return value;
  throw invalid(argument, value, `an integer from ${lowest} to ${highest}`);
}

/** Options and ranges, whose parts are all optional. */
export function checkObject(argument: string, value: object): void {
  if (typeof value !== 'object' || value === null) throw invalid(argument, value, 'an object');
}

/** Where a log may be cut. */
export function checkIndex(argument: string, value: unknown): number {
  return checkInteger(argument, value, 1, MAX_INDEX);
}

/** Where one may look: 0 and what lies past the end are no mistakes, there is just nothing. */
export function checkReadIndex(argument: string, value: unknown): number {
  return checkInteger(argument, value, 0, Number.MAX_SAFE_INTEGER);
}

/** A copy; index 0 only where the caller says so. */
export function checkLogId(argument: string, value: LogId, lowest: 0 | 1): LogId {
  if (typeof value !== 'object' || value === null) throw invalid(argument, value, 'an index and a term');
  const index = checkInteger(`${argument}.index`, value.index, lowest, MAX_INDEX);
  return { index, term: checkInteger(`${argument}.term`, value.term, index === 0 ? 0 : 1, MAX_TERM) };
}

/** Copies of the entries, data included: the caller may reuse its buffers as soon as the call has returned. */
export function copyEntries(entries: readonly Entry[], maxEntryBytes: number): Entry[] {
  if (!Array.isArray(entries)) throw invalid('entries', entries, 'an array');
  return entries.map((entry: Entry, n) => {
    const name = `entries[${n}]`;
    if (typeof entry !== 'object' || entry === null) throw invalid(name, entry, 'an entry');
    const { index, term, kind, data } = entry;
    checkInteger(`${name}.index`, index, 1, MAX_INDEX);
    checkInteger(`${name}.term`, term, 1, MAX_TERM);
    if (!kinds.has(kind)) throw invalid(`${name}.kind`, kind, 'noop, command or config');
    if (!(data instanceof Uint8Array)) throw invalid(`${name}.data`, data, 'a Uint8Array');
    if (data.byteLength > maxEntryBytes) {
      const message = `Entry ${index} has ${data.byteLength} bytes. Split it: the limit is ${maxEntryBytes}.`;
      throw new StorageError('TOO_LARGE', message, { bytes: data.byteLength, limit: maxEntryBytes });
    }
    return { index, term, kind, data: new Uint8Array(data) };
  });
}

/** Refuses entries that don't continue a log that ends with `previousTerm` just before `from`. */
export function checkSuccession(entries: readonly Entry[], from: number, previousTerm: number): void {
  let expectedIndex = from;
  let lastTerm = previousTerm;
  for (const { index, term } of entries) {
    if (index !== expectedIndex) throw nonContiguous(expectedIndex, index);
    if (term < lastTerm) throw termRegression(lastTerm, term);
    expectedIndex++;
    lastTerm = term;
  }
}

export function nonContiguous(expectedIndex: number, actualIndex: number): StorageError<'NON_CONTIGUOUS'> {
  const message = `The next index is ${expectedIndex}, not ${actualIndex}. Send the log from ${expectedIndex} on.`;
  return new StorageError('NON_CONTIGUOUS', message, { expectedIndex, actualIndex });
}

export function termRegression(lastTerm: number, actualTerm: number): StorageError<'TERM_REGRESSION'> {
  const message = `Term ${actualTerm} is below term ${lastTerm}, which comes before it. Terms never fall.`;
  return new StorageError('TERM_REGRESSION', message, { lastTerm, actualTerm });
}

export const maxVoteBytes = 1024;

/** A copy. */
export function checkHardState(state: HardState): HardState {
  if (typeof state !== 'object' || state === null) throw invalid('hardState', state, 'a term and a vote');
  const { currentTerm, votedFor } = state;
  checkInteger('hardState.currentTerm', currentTerm, 0, MAX_TERM);
  if (votedFor !== undefined && !isCandidate(votedFor)) {
    throw invalid('hardState.votedFor', votedFor, `undefined or 1 to ${maxVoteBytes} bytes of UTF-8`);
  }
  if (currentTerm === 0 && votedFor !== undefined) {
    throw invalid('hardState.votedFor', votedFor, 'undefined in term 0, in which nobody votes');
  }
  return { currentTerm, votedFor };
}

function isCandidate(id: unknown): boolean {
  if (typeof id !== 'string' || id === '') return false;
  const bytes = Buffer.from(id);
  // A lone surrogate has no UTF-8: it would be read back as another candidate.
  return bytes.byteLength <= maxVoteBytes && bytes.toString() === id;
}
