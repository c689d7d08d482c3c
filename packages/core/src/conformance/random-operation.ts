import type { Entry, HardState } from '../entry.ts';
import { createTestEntries } from './entries.ts';
import {
  type LogModel,
  modelFirstIndex,
  modelLastIndex,
  modelLastLogId,
  modelTermAt,
  type Operation,
} from './model.ts';

/** Four numbers from 0 up to, but not including, 1, that mean an operation only together with the state it meets. */
export interface OperationChoice {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  /** Below 0.12: the operation is made wrong, in one way. */
  readonly fault: number;
}

type Make = (model: LogModel, choice: OperationChoice) => Operation;

// The weights of the kinds: most of what a log sees is appends.
const kinds: readonly (readonly [number, Make])[] = [
  [8, append],
  [3, truncate],
  [3, replace],
  [3, purge],
  [1, reset],
  [3, hardState],
  [3, write],
  [1, () => ({ type: 'flush' })],
  [1, () => ({ type: 'reopen' })],
];
const totalWeight = kinds.reduce((sum, [weight]) => sum + weight, 0);

/** Turns a choice into an operation that says something about this state: near its ends, its terms and its boundary. */
export function chooseOperation(model: LogModel, choice: OperationChoice): Operation {
  let left = choice.kind * totalWeight;
  for (const [weight, make] of kinds) {
    if (left < weight) return make(model, choice);
    left -= weight;
  }
  return { type: 'flush' };
}

function append(model: LogModel, choice: OperationChoice): Operation {
  return { type: 'append', entries: suffix(model, modelLastIndex(model) + 1, choice) };
}

function truncate(model: LogModel, choice: OperationChoice): Operation {
  const fromIndex = isWrong(choice) ? modelFirstIndex(model) - 1 : within(model, choice.a, 2);
  return { type: 'truncate', fromIndex };
}

function replace(model: LogModel, choice: OperationChoice): Operation {
  const fromIndex = within(model, choice.a, 1);
  return { type: 'replace', fromIndex, entries: suffix(model, fromIndex, choice) };
}

function purge(model: LogModel, choice: OperationChoice): Operation {
  const index = within(model, choice.a, 3) - 1;
  const term = modelTermAt(model, index) ?? modelLastLogId(model)?.term ?? 1;
  return { type: 'purge', through: { index, term: isWrong(choice) ? term + 1 : term } };
}

function reset(model: LogModel, choice: OperationChoice): Operation {
  if (choice.b < 0.4) return { type: 'reset' };
  const index = Math.max(1, within(model, choice.a, 5));
  return { type: 'reset', boundary: { index, term: 1 + Math.floor(choice.b * 5) } };
}

function hardState(model: LogModel, choice: OperationChoice): Operation {
  return { type: 'hardState', state: nextHardState(model, choice) };
}

function write(model: LogModel, choice: OperationChoice): Operation {
  const truncates = choice.a < 0.5;
  const start = truncates ? within(model, choice.a * 2, 1) : modelLastIndex(model) + 1;
  // Only one part is wrong at a time, so that there is one right error code.
  const wrongState = isWrong(choice) && choice.b < 0.5;
  const right = { ...choice, fault: 1 };
  return {
    type: 'write',
    batch: {
      ...(choice.b < 0.7 ? { hardState: nextHardState(model, wrongState ? choice : right) } : {}),
      ...(truncates ? { truncateFrom: start } : {}),
      ...(choice.b > 0.2 ? { entries: suffix(model, start, wrongState ? right : choice) } : {}),
    },
  };
}

function nextHardState(model: LogModel, choice: OperationChoice): HardState {
  const accepted = model.hardState ?? { currentTerm: 0, votedFor: undefined };
  if (isWrong(choice)) {
    return accepted.currentTerm > 0 && choice.a < 0.5
      ? { currentTerm: accepted.currentTerm - 1, votedFor: undefined }
      : { currentTerm: accepted.currentTerm + 1, votedFor: '' };
  }
  const votedFor = choice.b < 0.5 ? `node-${Math.floor(choice.b * 6)}` : undefined;
  if (choice.a < 0.3) return accepted;
  return { currentTerm: accepted.currentTerm + 1, votedFor };
}

/** Entries from `start` on whose terms fit, or are wrong in one way. */
function suffix(model: LogModel, start: number, choice: OperationChoice): Entry[] {
  const count = 1 + Math.floor(choice.b ** 3 * 24);
  const lastTerm = modelTermAt(model, start - 1) ?? 1;
  const term = lastTerm + (choice.b > 0.7 ? 1 : 0);
  const bytes = choice.a < 0.1 ? 3000 : Math.floor(choice.a * 120);
  const entries = createTestEntries(start, start + count - 1, term, { bytes });
  if (!isWrong(choice)) return entries;
  if (choice.fault < 0.04) return createTestEntries(start + 1, start + count, term, { bytes });
  const below = lastTerm - 1;
  return entries.map((entry, at) => (at === entries.length - 1 ? { ...entry, term: Math.max(0, below) } : entry));
}

/** An index from firstIndex to `beyond` past lastIndex. */
function within(model: LogModel, fraction: number, beyond: number): number {
  const first = modelFirstIndex(model);
  return first + Math.floor(fraction * (modelLastIndex(model) - first + 1 + beyond));
}

function isWrong(choice: OperationChoice): boolean {
  return choice.fault < 0.12;
}
