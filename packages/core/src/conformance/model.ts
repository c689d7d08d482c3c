import { type Entry, type HardState, type LogId, MAX_INDEX, MAX_TERM } from '../entry.ts';
import { isStorageError, type StorageErrorCode } from '../errors.ts';
import type { StorageEngine, WriteBatch } from '../storage-engine.ts';

/** What a Raft log is, said as plainly as possible: the truth that engines are compared with. */
export interface LogModel {
  /** Contiguous, from the boundary's index + 1 on. */
  entries: Entry[];
  boundary: LogId | undefined;
  hardState: HardState | undefined;
}

/** One call that changes an engine, as data. */
export type LogOperation =
  | { readonly type: 'append'; readonly entries: readonly Entry[] }
  | { readonly type: 'truncate'; readonly fromIndex: number }
  | { readonly type: 'replace'; readonly fromIndex: number; readonly entries: readonly Entry[] }
  | { readonly type: 'purge'; readonly through: LogId }
  | { readonly type: 'reset'; readonly boundary?: LogId }
  | { readonly type: 'hardState'; readonly state: HardState }
  | { readonly type: 'write'; readonly batch: WriteBatch }
  | { readonly type: 'flush' };

/** A {@link LogOperation}, or the clean reopen between two of them, which changes nothing that can be observed. */
export type Operation = LogOperation | { readonly type: 'reopen' };

/** The model of a new engine. */
export function createModel(): LogModel {
  return { entries: [], boundary: undefined, hardState: undefined };
}

/** A model that later operations on `model` don't change. Entries are shared: nothing changes them. */
export function cloneModel(model: LogModel): LogModel {
  return { ...model, entries: model.entries.slice() };
}

/** `firstIndex` as the contract has it. */
export function modelFirstIndex(model: LogModel): number {
  return (model.boundary?.index ?? 0) + 1;
}

/** `lastIndex` as the contract has it. */
export function modelLastIndex(model: LogModel): number {
  return (model.boundary?.index ?? 0) + model.entries.length;
}

/** `lastLogId` as the contract has it. */
export function modelLastLogId(model: LogModel): LogId | undefined {
  const last = model.entries.at(-1);
  return last === undefined ? model.boundary : { index: last.index, term: last.term };
}

/** `termAt(index)` as the contract has it. */
export function modelTermAt(model: LogModel, index: number): number | undefined {
  if (model.boundary !== undefined && index === model.boundary.index) return model.boundary.term;
  return modelEntry(model, index)?.term;
}

/** `entry(index)` as the contract has it. */
export function modelEntry(model: LogModel, index: number): Entry | undefined {
  const position = index - modelFirstIndex(model);
  return position < 0 ? undefined : model.entries[position];
}

/** `getEntries(first, last)`, clipped, as the contract has it. */
export function modelRange(model: LogModel, first: number, last: number): Entry[] {
  const from = modelFirstIndex(model);
  return model.entries.slice(Math.max(0, first - from), Math.max(0, last - from + 1));
}

/**
 * Changes the model as a right engine changes, or leaves it alone where a right engine refuses. Resolves to the codes of the
 * refusal: none if the operation is accepted, more than one if it is wrong in several ways at once and the engine may name any.
 */
export function applyToModel(model: LogModel, operation: Operation): readonly StorageErrorCode[] {
  const faults = faultsOf(model, operation);
  if (faults.length > 0) return faults;
  switch (operation.type) {
    case 'append':
      add(model, operation.entries);
      break;
    case 'truncate':
      cut(model, operation.fromIndex);
      break;
    case 'replace':
      cut(model, operation.fromIndex);
      add(model, operation.entries);
      break;
    case 'purge':
      if (operation.through.index >= modelFirstIndex(model)) {
        model.entries = modelRange(model, operation.through.index + 1, MAX_INDEX);
        model.boundary = { ...operation.through };
      }
      break;
    case 'reset':
      model.entries = [];
      model.boundary = operation.boundary === undefined ? undefined : { ...operation.boundary };
      break;
    case 'hardState':
      model.hardState = { ...operation.state };
      break;
    case 'write':
      if (operation.batch.hardState !== undefined) model.hardState = { ...operation.batch.hardState };
      if (operation.batch.truncateFrom !== undefined) cut(model, operation.batch.truncateFrom);
      add(model, operation.batch.entries ?? []);
      break;
    case 'flush':
    case 'reopen':
      break;
  }
  return [];
}

// Not by spreading: a batch may be longer than a call's arguments can be.
function add(model: LogModel, entries: readonly Entry[]): void {
  for (const entry of entries) model.entries.push(entry);
}

function cut(model: LogModel, fromIndex: number): void {
  model.entries.length = Math.min(model.entries.length, fromIndex - modelFirstIndex(model));
}

/** Why a right engine refuses the operation: the codes it may name, none if it accepts. Doesn't change the model. */
export function faultsOf(model: LogModel, operation: Operation): readonly StorageErrorCode[] {
  const faults = new Set<StorageErrorCode>();
  switch (operation.type) {
    case 'append':
      addLogFaults(faults, model, undefined, operation.entries);
      break;
    case 'truncate':
      if (!isIndex(operation.fromIndex)) faults.add('INVALID_ARGUMENT');
      addLogFaults(faults, model, operation.fromIndex, []);
      break;
    case 'replace':
      if (!isIndex(operation.fromIndex)) faults.add('INVALID_ARGUMENT');
      addLogFaults(faults, model, operation.fromIndex, operation.entries);
      break;
    case 'purge':
      addPurgeFaults(faults, model, operation.through);
      break;
    case 'reset':
      if (operation.boundary !== undefined && !isLogId(operation.boundary)) faults.add('INVALID_ARGUMENT');
      break;
    case 'hardState':
      addHardStateFaults(faults, model, operation.state);
      break;
    case 'write': {
      const { hardState, truncateFrom, entries = [] } = operation.batch;
      if (hardState !== undefined) addHardStateFaults(faults, model, hardState);
      addLogFaults(faults, model, truncateFrom, entries);
      break;
    }
    case 'flush':
    case 'reopen':
      break;
  }
  // An argument out of range has no place in the log that could be judged.
  return faults.has('INVALID_ARGUMENT') ? ['INVALID_ARGUMENT'] : [...faults];
}

function addLogFaults(
  faults: Set<StorageErrorCode>,
  model: LogModel,
  fromIndex: number | undefined,
  entries: readonly Entry[],
): void {
  if (fromIndex !== undefined && !isIndex(fromIndex)) faults.add('INVALID_ARGUMENT');
  for (const entry of entries) {
    if (!isLogId(entry) || !['noop', 'command', 'config'].includes(entry.kind) || !(entry.data instanceof Uint8Array)) {
      faults.add('INVALID_ARGUMENT');
    }
  }
  if (faults.has('INVALID_ARGUMENT')) return;
  const start = fromIndex ?? modelLastIndex(model) + 1;
  if (start < modelFirstIndex(model)) faults.add('PURGED');
  if (entries.length === 0) return;
  if (start > modelLastIndex(model) + 1) faults.add('NON_CONTIGUOUS');
  let previousTerm = modelTermAt(model, start - 1) ?? 0;
  for (const [position, entry] of entries.entries()) {
    if (entry.index !== start + position) faults.add('NON_CONTIGUOUS');
    if (entry.term < previousTerm) faults.add('TERM_REGRESSION');
    previousTerm = entry.term;
  }
}

function addPurgeFaults(faults: Set<StorageErrorCode>, model: LogModel, through: LogId): void {
  if (through.index === 0) return;
  if (!isLogId(through)) {
    faults.add('INVALID_ARGUMENT');
    return;
  }
  const term = modelTermAt(model, through.index);
  if (term !== undefined && term !== through.term) faults.add('LOG_ID_MISMATCH');
  if (through.index > modelLastIndex(model) && through.term < (modelLastLogId(model)?.term ?? 0)) {
    faults.add('TERM_REGRESSION');
  }
}

function addHardStateFaults(faults: Set<StorageErrorCode>, model: LogModel, state: HardState): void {
  const { currentTerm, votedFor } = state;
  const voteBytes = votedFor === undefined ? 1 : Buffer.byteLength(votedFor);
  const termIsValid = Number.isSafeInteger(currentTerm) && currentTerm >= 0;
  if (!termIsValid || voteBytes < 1 || voteBytes > 1024 || (currentTerm === 0 && votedFor !== undefined)) {
    faults.add('INVALID_ARGUMENT');
    return;
  }
  const accepted = model.hardState;
  if (accepted === undefined) return;
  if (currentTerm < accepted.currentTerm) faults.add('TERM_REGRESSION');
  if (currentTerm === accepted.currentTerm && accepted.votedFor !== undefined && votedFor !== accepted.votedFor) {
    faults.add('VOTE_CONFLICT');
  }
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= MAX_INDEX;
}

function isLogId(value: LogId): boolean {
  return isIndex(value.index) && Number.isSafeInteger(value.term) && value.term >= 1 && value.term <= MAX_TERM;
}

/** Makes the call. Resolves to the code with which the engine refused it, or `undefined`; what isn't a `StorageError` is thrown on. */
export async function applyToEngine(
  engine: StorageEngine,
  operation: LogOperation,
): Promise<StorageErrorCode | undefined> {
  try {
    await callEngine(engine, operation);
    return undefined;
  } catch (error) {
    if (isStorageError(error)) return error.code;
    throw error;
  }
}

function callEngine(engine: StorageEngine, operation: LogOperation): Promise<void> {
  switch (operation.type) {
    case 'append':
      return engine.logStore.persistEntries(operation.entries);
    case 'truncate':
      return engine.logStore.truncate(operation.fromIndex);
    case 'replace':
      return engine.logStore.replaceRange(operation.fromIndex, operation.entries);
    case 'purge':
      return engine.logStore.purge(operation.through);
    case 'reset':
      return engine.logStore.reset(operation.boundary);
    case 'hardState':
      return engine.metaStore.saveHardState(operation.state);
    case 'write':
      return engine.write(operation.batch);
    case 'flush':
      return engine.logStore.flush();
  }
}

/** Reads everything that an engine holds, to be compared by {@link differenceBetween}. */
export async function observe(engine: StorageEngine): Promise<LogModel> {
  const entries: Entry[] = [];
  for await (const entry of engine.logStore.entries()) entries.push(entry);
  return {
    entries,
    boundary: engine.logStore.purgeBoundary,
    hardState: await engine.metaStore.loadHardState(),
  };
}

/** The first difference between two states in words, or `undefined` if they are the same. */
export function differenceBetween(actual: LogModel, expected: LogModel): string | undefined {
  if (!sameLogId(actual.boundary, expected.boundary)) {
    return `the purge boundary is ${show(actual.boundary)}, not ${show(expected.boundary)}`;
  }
  for (let i = 0; i < Math.max(actual.entries.length, expected.entries.length); i++) {
    const difference = differenceOfEntries(actual.entries[i], expected.entries[i]);
    if (difference !== undefined) return difference;
  }
  const [is, should] = [actual.hardState, expected.hardState];
  if (is?.currentTerm !== should?.currentTerm || is?.votedFor !== should?.votedFor) {
    return `the hard state is ${show(is)}, not ${show(should)}`;
  }
  return undefined;
}

/** The difference between two entries in words, or `undefined` if they are the same, byte for byte. */
export function differenceOfEntries(actual: Entry | undefined, expected: Entry | undefined): string | undefined {
  if (actual === undefined && expected === undefined) return undefined;
  if (actual === undefined) return `entry ${expected?.index} is missing`;
  if (expected === undefined) return `there is an entry ${actual.index} of term ${actual.term} that should not be`;
  for (const fact of ['index', 'term', 'kind'] as const) {
    if (actual[fact] !== expected[fact]) {
      return `entry ${expected.index} has ${fact} ${actual[fact]}, not ${expected[fact]}`;
    }
  }
  if (!(actual.data instanceof Uint8Array)) return `the data of entry ${expected.index} is no Uint8Array`;
  if (Buffer.compare(actual.data, expected.data) === 0) return undefined;
  const at = actual.data.findIndex((byte, offset) => byte !== expected.data[offset]);
  const lengths = `${actual.data.byteLength} and ${expected.data.byteLength} bytes long`;
  return `the data of entry ${expected.index} is wrong from byte ${at < 0 ? actual.data.byteLength : at} on (${lengths})`;
}

function sameLogId(a: LogId | undefined, b: LogId | undefined): boolean {
  return a?.index === b?.index && a?.term === b?.term;
}

function show(value: LogId | HardState | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
