import type { SequentialModel } from './sequential-model.ts';

/** One operation on one key of a store that holds strings. */
export type KeyValueInput =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly key: string }
  /** `expected: undefined`: only if the key is not there. */
  | {
      readonly kind: 'compare-and-set';
      readonly key: string;
      readonly expected: string | undefined;
      readonly value: string;
    };

/** What a client was told, as far as it was. */
export interface KeyValueOutput {
  /** Of `get` what the key holds, of `put` and `delete` what it held before, of `compare-and-set` what it holds now. */
  readonly value?: string | undefined;
  /** Of a `compare-and-set`. */
  readonly swapped?: boolean;
}

/** A map from keys to strings; a key that isn't there is `undefined`. Each key is a part of its own. */
export const keyValueModel: SequentialModel<string | undefined, KeyValueInput, KeyValueOutput> = {
  initial: undefined,
  partOf: ({ key }) => key,
  isRead: ({ kind }) => kind === 'get',
  step(state, input, output) {
    const swapped = input.kind === 'compare-and-set' && state === input.expected;
    const next = stateAfter(state, input);
    if (output !== undefined && input.kind === 'compare-and-set' && output.swapped !== swapped) return undefined;
    const told = input.kind === 'compare-and-set' ? next : state;
    if (output !== undefined && 'value' in output && output.value !== told) return undefined;
    return { state: next };
  },
  describe(input, output) {
    switch (input.kind) {
      case 'get':
        return `get ${input.key}${output === undefined ? '' : ` = ${output.value ?? '(none)'}`}`;
      case 'put':
        return `put ${input.key} ${input.value}`;
      case 'delete':
        return `delete ${input.key}`;
      case 'compare-and-set': {
        const outcome = output === undefined ? '' : output.swapped === true ? ': swapped' : ': refused';
        return `set ${input.key} from ${input.expected ?? '(none)'} to ${input.value}${outcome}`;
      }
    }
  },
};

function stateAfter(state: string | undefined, input: KeyValueInput): string | undefined {
  switch (input.kind) {
    case 'get':
      return state;
    case 'put':
      return input.value;
    case 'delete':
      return undefined;
    case 'compare-and-set':
      return state === input.expected ? input.value : state;
  }
}
