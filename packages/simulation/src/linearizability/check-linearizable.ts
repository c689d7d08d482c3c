import type { Operation } from './history.ts';
import { Search } from './search.ts';
import type { SequentialModel } from './sequential-model.ts';

/** A part of a history that no order explains. */
export interface NonLinearizable<Input, Output> {
  readonly part: string;
  /** The operations of the part, in the order of their calls. */
  readonly operations: readonly Operation<Input, Output>[];
  /** The first operations of the longest order that was found. */
  readonly longestOrder: readonly Operation<Input, Output>[];
  /** The operation that returned although no order has a place for it, after any order as long as that. */
  readonly stuckAt: Operation<Input, Output>;
}

/**
 * Looks for an order of the operations that a sequential object would have answered alike, and in which each takes effect between its call and its return
 * (Herlihy and Wing 1990). The search is that of Wing and Gong (1993) with Lowe's cache of configurations seen (2017), part by part (Horn and Kroening 2015),
 * as in Porcupine. `undefined`: there is such an order.
 */
export function checkLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): NonLinearizable<Input, Output> | undefined {
  for (const [part, own] of partsOf(model, operations)) {
    const failure = new Search(model, own).run();
    if (failure !== undefined) return { part, operations: own, ...failure };
  }
  return undefined;
}

/** What went wrong, for a person: the operations that overlap the one that got stuck, and what comes shortly before. */
export function describeNonLinearizable<Input, Output>(
  model: SequentialModel<unknown, Input, Output>,
  failure: NonLinearizable<Input, Output>,
): string {
  const lineOf = (operation: Operation<Input, Output>): string => {
    const { client, input, output, calledAt, returnedAt } = operation;
    return `  ${calledAt} to ${returnedAt ?? 'open'}  ${client}: ${model.describe(input, output)}`;
  };
  const { part, longestOrder, stuckAt } = failure;
  const placed = new Set(longestOrder);
  const end = stuckAt.returnedAt ?? Number.POSITIVE_INFINITY;
  const unplaced = failure.operations.filter((operation) => !placed.has(operation) && operation.calledAt < end);
  return [
    `No order of the operations on ${part} explains their answers.`,
    ` The end of the longest order (${longestOrder.length} operations):`,
    ...longestOrder.slice(-8).map(lineOf),
    ` Nothing fits next, of:`,
    ...unplaced.slice(0, 12).map(lineOf),
  ].join('\n');
}

function partsOf<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): Map<string, Operation<Input, Output>[]> {
  const parts = new Map<string, Operation<Input, Output>[]>();
  for (const operation of operations) {
    if (operation.returnedAt === undefined && model.isRead(operation.input)) continue;
    const part = model.partOf(operation.input);
    const own = parts.get(part);
    if (own === undefined) parts.set(part, [operation]);
    else own.push(operation);
  }
  return parts;
}
