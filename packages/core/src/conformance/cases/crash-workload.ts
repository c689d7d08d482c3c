import type { Entry, HardState } from '../../entry.ts';
import { createTestEntry } from '../entries.ts';
import {
  applyToModel,
  cloneModel,
  type LogModel,
  type LogOperation,
  modelFirstIndex,
  modelLastIndex,
  modelLastLogId,
  modelTermAt,
} from '../model.ts';
import type { Random } from '../random.ts';

export interface WorkloadOptions {
  /** Largest number of entries in one call. Default: 4. */
  readonly maxEntries?: number;
  /** Largest data of an entry. Default: 300. */
  readonly maxBytes?: number;
}

/** Random operations that a right engine accepts one after the other, from `start` on. */
export function randomOperations(
  start: LogModel,
  count: number,
  random: Random,
  options: WorkloadOptions = {},
): LogOperation[] {
  const model = cloneModel(start);
  const operations: LogOperation[] = [];
  for (let i = 0; i < count; i++) {
    const operation = randomOperation(model, random, options);
    const refusals = applyToModel(model, operation);
    if (refusals.length > 0) throw new Error(`The workload is wrong: ${operation.type} is refused: ${refusals.join()}`);
    operations.push(operation);
  }
  return operations;
}

/** One operation that a right engine accepts in the state of `model`, which it leaves alone. */
export function randomOperation(model: LogModel, random: Random, options: WorkloadOptions = {}): LogOperation {
  const last = modelLastIndex(model);
  const first = modelFirstIndex(model);
  const dice = random.integer(1, 100);
  if (dice <= 52) return { type: 'append', entries: nextEntries(model, last + 1, random, options) };
  if (dice <= 66) return { type: 'hardState', state: nextHardState(model, random) };
  if (dice <= 74) {
    const from = random.integer(first, last + 1);
    const state = random.chance(0.7) ? nextHardState(model, random) : undefined;
    const after = state === undefined ? model : { ...model, hardState: state };
    return {
      type: 'write',
      batch: {
        ...(state === undefined ? {} : { hardState: state }),
        ...(random.chance(0.5) ? { truncateFrom: from, entries: nextEntries(after, from, random, options) } : {}),
      },
    };
  }
  if (dice <= 79) return { type: 'truncate', fromIndex: random.integer(first, last + 1) };
  if (dice <= 86) {
    const fromIndex = random.integer(first, last + 1);
    return { type: 'replace', fromIndex, entries: nextEntries(model, fromIndex, random, options) };
  }
  if (dice <= 94) return purge(model, random);
  if (dice <= 96) return { type: 'flush' };
  if (dice <= 97) return reset(model, random);
  return { type: 'append', entries: nextEntries(model, last + 1, random, { ...options, maxEntries: 12 }) };
}

function purge(model: LogModel, random: Random): LogOperation {
  const last = modelLastIndex(model);
  const index = random.integer(modelFirstIndex(model) - 1, last + (random.chance(0.1) ? 5 : 0));
  if (index === 0) return { type: 'flush' };
  return { type: 'purge', through: { index, term: modelTermAt(model, index) ?? termFor(model, last + 1) } };
}

function reset(model: LogModel, random: Random): LogOperation {
  if (random.chance(0.4)) return { type: 'reset' };
  const index = random.integer(1, modelLastIndex(model) + 10);
  return { type: 'reset', boundary: { index, term: termFor(model, modelLastIndex(model) + 1) } };
}

function nextEntries(model: LogModel, first: number, random: Random, options: WorkloadOptions): Entry[] {
  const term = termFor(model, first);
  return Array.from({ length: random.integer(1, options.maxEntries ?? 4) }, (_, position) =>
    createTestEntry(first + position, term, {
      kind: random.pick(['command', 'command', 'noop', 'config']),
      bytes: random.integer(0, options.maxBytes ?? 300),
    }),
  );
}

// As a node has it: entries are of the current term, which is at least that of the entry before.
function termFor(model: LogModel, index: number): number {
  const before = index > modelLastIndex(model) ? modelLastLogId(model)?.term : modelTermAt(model, index - 1);
  return Math.max(before ?? 1, model.hardState?.currentTerm ?? 1, 1);
}

function nextHardState(model: LogModel, random: Random): HardState {
  const current = model.hardState ?? { currentTerm: 0, votedFor: undefined };
  const term = Math.max(current.currentTerm, modelLastLogId(model)?.term ?? 0);
  if (term === current.currentTerm && term > 0 && current.votedFor === undefined && random.chance(0.5)) {
    return { currentTerm: term, votedFor: `node-${random.integer(1, 9)}` };
  }
  return { currentTerm: term + 1, votedFor: random.chance(0.7) ? `node-${random.integer(1, 9)}` : undefined };
}
