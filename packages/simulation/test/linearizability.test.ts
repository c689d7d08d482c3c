import { createRandom, defaultSeed } from '@raftlog/core/conformance';
import { describe, expect, test } from 'vitest';
import { checkLinearizable, describeNonLinearizable } from '../src/linearizability/check-linearizable.ts';
import { History, type Operation } from '../src/linearizability/history.ts';
import { type KeyValueInput, type KeyValueOutput, keyValueModel } from '../src/linearizability/key-value-model.ts';
import { isLinearizableByExhaustion } from './support/exhaustive-check.ts';
import { randomHistory } from './support/random-history.ts';

type KeyValueOperation = Operation<KeyValueInput, KeyValueOutput>;

const put = (value: string, key = 'k'): KeyValueInput => ({ kind: 'put', key, value });
const get = (key = 'k'): KeyValueInput => ({ kind: 'get', key });
const swap = (expected: string | undefined, value: string): KeyValueInput => ({
  kind: 'compare-and-set',
  key: 'k',
  expected,
  value,
});

/** `returnedAt: undefined`: never. */
function operation(
  calledAt: number,
  returnedAt: number | undefined,
  input: KeyValueInput,
  output?: KeyValueOutput,
): KeyValueOperation {
  return {
    client: `c${calledAt}`,
    input,
    calledAt,
    returnedAt,
    output: returnedAt === undefined ? undefined : (output ?? {}),
  };
}

const isLinearizable = (...operations: KeyValueOperation[]): boolean =>
  checkLinearizable(keyValueModel, operations) === undefined;

describe('histories that have an order', () => {
  test('nothing', () => expect(isLinearizable()).toBe(true));

  test('a read beside a write sees either value', () => {
    for (const value of ['a', 'b']) {
      expect(
        isLinearizable(operation(0, 1, put('a')), operation(2, 5, put('b')), operation(3, 4, get(), { value })),
      ).toBe(true);
    }
  });

  test('a write of unknown outcome may take effect long after', () => {
    const lost = operation(0, undefined, put('late'));
    expect(
      isLinearizable(
        lost,
        operation(1, 2, put('a')),
        operation(3, 4, get(), { value: 'a' }),
        operation(5, 6, get(), { value: 'late' }),
      ),
    ).toBe(true);
  });

  test('a write of unknown outcome need not take effect', () => {
    expect(
      isLinearizable(
        operation(0, 1, put('a')),
        operation(2, undefined, put('b')),
        operation(3, 4, get(), { value: 'a' }),
      ),
    ).toBe(true);
  });

  test('a compare-and-set of unknown outcome explains a later one that was refused', () => {
    expect(
      isLinearizable(
        operation(0, undefined, swap(undefined, 'x')),
        operation(1, 2, swap(undefined, 'y'), { swapped: false }),
        operation(3, 4, get(), { value: 'x' }),
      ),
    ).toBe(true);
  });

  test('keys are apart', () => {
    expect(
      isLinearizable(
        operation(0, 1, put('a', 'one')),
        operation(2, 3, get('two'), { value: undefined }),
        operation(4, 5, get('one'), { value: 'a' }),
      ),
    ).toBe(true);
  });
});

describe('histories that have none', () => {
  test("a read after a write that doesn't see it", () => {
    expect(isLinearizable(operation(0, 1, put('a')), operation(2, 3, get(), { value: undefined }))).toBe(false);
  });

  test('two reads that see two writes in different orders', () => {
    expect(
      isLinearizable(
        operation(0, 9, put('a')),
        operation(1, 8, put('b')),
        operation(2, 3, get(), { value: 'a' }),
        operation(4, 5, get(), { value: 'b' }),
        operation(6, 7, get(), { value: 'a' }),
      ),
    ).toBe(false);
  });

  test('a write of unknown outcome that takes effect before it is called', () => {
    expect(isLinearizable(operation(0, 1, get(), { value: 'a' }), operation(2, undefined, put('a')))).toBe(false);
  });

  test('a write that takes effect twice', () => {
    expect(
      isLinearizable(
        operation(0, undefined, put('a')),
        operation(1, 2, get(), { value: 'a' }),
        operation(3, 4, put('b')),
        operation(5, 6, get(), { value: 'b' }),
        operation(7, 8, get(), { value: 'a' }),
      ),
    ).toBe(false);
  });

  test('two swaps from the same value', () => {
    expect(
      isLinearizable(
        operation(0, 3, swap(undefined, 'a'), { swapped: true }),
        operation(1, 2, swap(undefined, 'b'), { swapped: true }),
      ),
    ).toBe(false);
  });

  test('the report names the operation that got stuck and its neighbours', () => {
    const failure = checkLinearizable(keyValueModel, [
      operation(0, 1, put('a')),
      operation(2, 3, get(), { value: 'b' }),
    ]);
    expect(failure?.stuckAt.calledAt).toBe(2);
    expect(failure && describeNonLinearizable(keyValueModel, failure)).toMatch(/put k a[\s\S]*get k = b/);
  });
});

test('small random histories are judged as by trying all orders', () => {
  const seed = defaultSeed();
  const random = createRandom(seed);
  const verdicts = { linearizable: 0, not: 0 };
  for (let round = 0; round < 3000; round++) {
    const history = randomHistory(random, {
      operations: random.integer(1, 7),
      keys: 1,
      values: 3,
      lost: 0.2,
      falsified: 0.3,
    });
    const expected = isLinearizableByExhaustion(keyValueModel, history.operations);
    verdicts[expected ? 'linearizable' : 'not']++;
    expect(
      checkLinearizable(keyValueModel, history.operations) === undefined,
      `RAFTLOG_SEED=${seed}, round ${round}`,
    ).toBe(expected);
  }
  // Neither verdict was always the same.
  expect(verdicts.linearizable).toBeGreaterThan(500);
  expect(verdicts.not).toBeGreaterThan(300);
});

test('long histories of a sequential store are accepted, and with one answer changed refused, in milliseconds', () => {
  const seed = defaultSeed();
  const random = createRandom(seed);
  const shape = { operations: 5000, keys: 8, values: 1_000_000, lost: 0.03, falsified: 0 };
  const history = randomHistory(random, shape);
  const began = performance.now();
  expect(checkLinearizable(keyValueModel, history.operations), `RAFTLOG_SEED=${seed}`).toBeUndefined();
  // A bound against exponential search, far above the 20 ms that it takes.
  expect(performance.now() - began).toBeLessThan(2000);

  const reads = history.operations.filter(({ input, output }) => input.kind === 'get' && output?.value !== undefined);
  const changed = random.pick(reads);
  changed.output = { value: 'never written' };
  expect(checkLinearizable(keyValueModel, history.operations)?.stuckAt, `RAFTLOG_SEED=${seed}`).toBeDefined();
});

test('a history leaves out what was refused', () => {
  const history = new History<KeyValueInput, KeyValueOutput>();
  const refused = history.call('a', put('x'));
  const read = history.call('b', get());
  history.refused(refused);
  history.returned(read, { value: undefined });
  expect(history.operations).toEqual([read]);
  expect(read.returnedAt).toBe(2);
});
