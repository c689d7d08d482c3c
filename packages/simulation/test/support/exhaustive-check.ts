import type { Operation } from '../../src/linearizability/history.ts';
import type { SequentialModel } from '../../src/linearizability/sequential-model.ts';

/** Tries every order, straight from the definition. */
export function isLinearizableByExhaustion<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): boolean {
  const search = (state: State, left: readonly Operation<Input, Output>[]): boolean => {
    if (left.every(({ returnedAt }) => returnedAt === undefined)) return true;
    return left.some((operation) => {
      const isTooLate = left.some(({ returnedAt }) => returnedAt !== undefined && returnedAt < operation.calledAt);
      const stepped = isTooLate ? undefined : model.step(state, operation.input, operation.output);
      return (
        stepped !== undefined &&
        search(
          stepped.state,
          left.filter((other) => other !== operation),
        )
      );
    });
  };
  return search(model.initial, operations);
}
