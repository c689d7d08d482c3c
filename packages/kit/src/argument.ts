import { StorageError } from '@raftlog/core';

/** The error for an argument or option that is refused: `expected` completes "must be". */
export function invalidArgument(
  argument: string,
  received: unknown,
  expected: string,
): StorageError<'INVALID_ARGUMENT'> {
  const shown =
    typeof received === 'string'
      ? JSON.stringify(received.slice(0, 80))
      : typeof received === 'object' && received !== null
        ? 'an object'
        : String(received);
  return new StorageError('INVALID_ARGUMENT', `${argument} must be ${expected}, but is ${shown}.`, {
    argument,
    received: shown,
  });
}

/** `value`, which is a whole number from `least` to `most`, both inclusive; `INVALID_ARGUMENT` otherwise. */
export function checkWhole(argument: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalidArgument(argument, value, `a whole number from ${least} to ${most}`);
}
