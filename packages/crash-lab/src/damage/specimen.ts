import type { Entry, HardState } from '@raftlog/core';
import {
  applyToModel,
  createModel,
  createRandom,
  createTestEntry,
  type LogModel,
  type LogOperation,
  modelEntry,
  modelFirstIndex,
  modelLastIndex,
  type Random,
} from '@raftlog/core/conformance';

/** A store whose files are to be damaged: how it comes about, and what is in it. */
export interface Specimen {
  /** The operations, one list for each time that the store is opened: a database then has old files and a log that is new. */
  readonly sessions: readonly (readonly LogOperation[])[];
  readonly model: LogModel;
  /** Entries that were truncated or purged, which must not come back. */
  readonly removed: readonly Entry[];
  /** Hard states that newer ones have replaced. */
  readonly replaced: readonly HardState[];
}

/** The specimen that follows from `seed`: some 400 entries of up to 400 bytes; a tiny one has a third of them, of up to 40 bytes. */
export function makeSpecimen(seed: number, isTiny = false): Specimen {
  const random = createRandom(seed);
  const model = createModel();
  const [entries, hardStates]: [Entry[], HardState[]] = [[], []];
  const session = (): LogOperation[] =>
    Array.from({ length: isTiny ? 12 : 36 }, (_, step) => {
      const operation = nextOperation(step, model, random, isTiny ? 40 : 400);
      applyToModel(model, operation);
      if (operation.type === 'append') entries.push(...operation.entries);
      if (operation.type === 'hardState') hardStates.push(operation.state);
      return operation;
    });
  const sessions = [session(), session()];
  const removed = entries.filter((entry) => modelEntry(model, entry.index) !== entry);
  return { sessions, model, removed, replaced: hardStates.slice(0, -1) };
}

function nextOperation(step: number, model: LogModel, random: Random, bytes: number): LogOperation {
  const [first, last] = [modelFirstIndex(model), modelLastIndex(model)];
  const term = model.hardState?.currentTerm ?? 0;
  if (step % 12 === 0) return { type: 'hardState', state: { currentTerm: term + 1, votedFor: `node-${term % 5}` } };
  if (step % 12 === 7) return { type: 'truncate', fromIndex: last - random.integer(0, 20) };
  if (step % 12 === 10) {
    const index = first + random.integer(0, 20);
    return { type: 'purge', through: { index, term: modelEntry(model, index)?.term ?? term } };
  }
  const entry = (_: unknown, at: number): Entry =>
    createTestEntry(last + 1 + at, term, { bytes: random.integer(0, bytes) });
  return { type: 'append', entries: Array.from({ length: random.integer(1, 16) }, entry) };
}
