import type { Random } from '@raftlog/core/conformance';
import { History, type Operation } from '../../src/linearizability/history.ts';
import { type KeyValueInput, type KeyValueOutput, keyValueModel } from '../../src/linearizability/key-value-model.ts';

export interface HistoryShape {
  readonly operations: number;
  readonly keys: number;
  /** How many different values are written. */
  readonly values: number;
  /** Probability that a client never learns the outcome. */
  readonly lost: number;
  /** Probability that an answer is replaced by another one. */
  readonly falsified: number;
}

interface Running {
  readonly operation: Operation<KeyValueInput, KeyValueOutput>;
  output: KeyValueOutput | undefined;
}

/** What clients of a sequential store may see: each operation takes effect at a random moment between its call and its return. */
export function randomHistory(random: Random, shape: HistoryShape): History<KeyValueInput, KeyValueOutput> {
  const history = new History<KeyValueInput, KeyValueOutput>();
  const store = new Map<string, string | undefined>();
  const running: Running[] = [];
  let called = 0;
  while (called < shape.operations || running.length > 0) {
    if (called < shape.operations && running.length < 5 && random.chance(0.4)) {
      running.push({ operation: history.call(`c${called++}`, randomInput(random, shape)), output: undefined });
      continue;
    }
    if (running.length === 0) continue;
    const chosen = random.pick(running);
    if (chosen.output === undefined) {
      chosen.output = takeEffect(store, chosen.operation.input);
      continue;
    }
    running.splice(running.indexOf(chosen), 1);
    if (random.chance(shape.lost)) continue;
    const isFalse = random.chance(shape.falsified);
    history.returned(chosen.operation, isFalse ? falsified(random, shape, chosen.output) : chosen.output);
  }
  return history;
}

function randomInput(random: Random, { keys, values }: HistoryShape): KeyValueInput {
  const key = `k${random.integer(1, keys)}`;
  const value = (): string => String(random.integer(1, values));
  const kind = random.pick(['get', 'get', 'put', 'delete', 'compare-and-set'] as const);
  if (kind === 'put') return { kind, key, value: value() };
  if (kind === 'compare-and-set')
    return { kind, key, expected: random.chance(0.3) ? undefined : value(), value: value() };
  return { kind, key };
}

function takeEffect(store: Map<string, string | undefined>, input: KeyValueInput): KeyValueOutput {
  const before = store.get(input.key);
  const stepped = keyValueModel.step(before, input, undefined);
  store.set(input.key, stepped?.state);
  if (input.kind === 'get') return { value: before };
  return input.kind === 'compare-and-set' ? { swapped: before === input.expected } : {};
}

function falsified(random: Random, { values }: HistoryShape, output: KeyValueOutput): KeyValueOutput {
  if (output.swapped !== undefined) return { swapped: !output.swapped };
  return 'value' in output ? { value: String(random.integer(1, values)) } : output;
}
