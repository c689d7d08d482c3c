import assert from 'node:assert/strict';
import { type Entry, type HardState, type LogId, MAX_INDEX } from '../entry.ts';
import { isStorageError, type StorageError, type StorageErrorCode } from '../errors.ts';
import type { StorageEngine } from '../storage-engine.ts';
import { differenceOfEntries, type LogModel } from './model.ts';

/** Fails unless `promise` rejects with a `StorageError` that has this code, or one of these; resolves to the error. */
export async function rejectsWith<Code extends StorageErrorCode>(
  code: Code | readonly Code[],
  promise: Promise<unknown>,
  what = 'the call',
): Promise<StorageError<Code>> {
  const codes: readonly StorageErrorCode[] = typeof code === 'string' ? [code] : code;
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (outcome === undefined) assert.fail(`${what} was to be refused with ${codes.join(' or ')}, but it succeeded`);
  if (!isStorageError(outcome.error)) {
    throw new assert.AssertionError({
      message: `${what} was to be refused with ${codes.join(' or ')}, but it rejected with no StorageError: ${outcome.error}`,
      actual: outcome.error,
      expected: codes,
      operator: 'rejectsWith',
    });
  }
  if (!codes.includes(outcome.error.code)) {
    const { code: actual, message } = outcome.error;
    throw new assert.AssertionError({
      message: `${what} was to be refused with ${codes.join(' or ')}, but it rejected with ${actual}: ${message}`,
      actual,
      expected: codes,
      operator: 'rejectsWith',
    });
  }
  return outcome.error as StorageError<Code>;
}

/** Reads a stream to its end. */
export async function collect<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** Fails unless both are the same entries in the same order, byte for byte. */
export function assertSameEntries(actual: readonly Entry[], expected: readonly Entry[], what: string): void {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    const difference = differenceOfEntries(actual[i], expected[i]);
    if (difference !== undefined) {
      assert.fail(`${what}: ${difference} (${actual.length} entries, expected ${expected.length})`);
    }
  }
}

/** Fails unless it is the same entry, or both are `undefined`. */
export function assertSameEntry(actual: Entry | undefined, expected: Entry | undefined, what: string): void {
  const difference = differenceOfEntries(actual, expected);
  if (difference !== undefined) assert.fail(`${what}: ${difference}`);
}

/** Fails unless the last accepted hard state is this one; `undefined`: none was ever saved. */
export async function assertHardState(engine: StorageEngine, expected: HardState | undefined): Promise<void> {
  const actual = await engine.metaStore.loadHardState();
  const plain = (state: HardState | undefined) =>
    state === undefined ? undefined : { currentTerm: state.currentTerm, votedFor: state.votedFor };
  assert.deepEqual(plain(actual), plain(expected), 'the hard state');
}

/**
 * Fails unless the log is exactly `expected` after `boundary`, by every way there is to look at it: all getters, single
 * entries, ranges, the stream, terms at and beyond the edges. Every write before it has been awaited.
 */
export async function assertLog(
  engine: StorageEngine,
  expected: readonly Entry[],
  boundary: LogId | undefined = undefined,
): Promise<void> {
  assertGetters(engine, expected, boundary);
  const log = engine.logStore;
  const base = boundary?.index ?? 0;
  const end = base + expected.length;

  assertSameEntries(await log.getEntries(base + 1, end), expected, `getEntries(${base + 1}, ${end})`);
  assertSameEntries(await log.getEntries(0, MAX_INDEX), expected, 'getEntries over everything');
  assertSameEntries(await collect(log.entries()), expected, 'the stream of the whole log');

  for (const index of probes(base, end)) {
    const entry = index > base ? expected[index - base - 1] : undefined;
    assertSameEntry(await log.entry(index), entry, `entry(${index})`);
    const term = index === base && boundary !== undefined ? boundary.term : entry?.term;
    assert.equal(await log.termAt(index), term, `termAt(${index})`);
  }
  // Reading changes nothing.
  assertGetters(engine, expected, boundary);
}

/** Fails unless log and hard state are those of the model. */
export async function assertMatchesModel(engine: StorageEngine, model: LogModel): Promise<void> {
  await assertLog(engine, model.entries, model.boundary);
  await assertHardState(engine, model.hardState);
}

function assertGetters(engine: StorageEngine, expected: readonly Entry[], boundary: LogId | undefined): void {
  const log = engine.logStore;
  const base = boundary?.index ?? 0;
  const end = base + expected.length;
  assertLogId(log.purgeBoundary, boundary, 'purgeBoundary');
  assert.equal(log.firstIndex, base + 1, 'firstIndex');
  assert.equal(log.lastIndex, end, 'lastIndex');
  assertLogId(log.lastLogId, expected.at(-1) ?? boundary, 'lastLogId');
  assertDurableIndex(engine);
  if (engine.capabilities.durability === 'sync') assert.equal(log.durableIndex, end, 'durableIndex at rest');
}

/** Fails if `durableIndex` says what can't be: more than there is, less than was purged, or anything of a volatile store. */
export function assertDurableIndex(engine: StorageEngine): void {
  const { durableIndex, lastIndex, purgeBoundary } = engine.logStore;
  if (engine.capabilities.durability === 'volatile') {
    assert.equal(durableIndex, 0, 'durableIndex of a volatile store');
    return;
  }
  assert.ok(durableIndex <= lastIndex, `durableIndex ${durableIndex} is above lastIndex ${lastIndex}`);
  const least = purgeBoundary?.index ?? 0;
  assert.ok(durableIndex >= least, `durableIndex ${durableIndex} is below the purge boundary ${least}`);
}

/** Fails unless it names this index and term, or is `undefined` as expected. */
export function assertLogId(actual: LogId | undefined, expected: LogId | undefined, what: string): void {
  const plain = (id: LogId | undefined) => (id === undefined ? undefined : { index: id.index, term: id.term });
  assert.deepEqual(plain(actual), plain(expected), what);
}

// Every index of a small log; of a large one the edges and some between, or the check costs more than what it checks.
function probes(base: number, end: number): number[] {
  const indexes = new Set<number>();
  const step = Math.max(1, Math.floor((end - base) / 48));
  for (let index = base + 1; index <= end; index += step) indexes.add(index);
  for (const edge of [0, base - 1, base, base + 1, end - 1, end, end + 1]) indexes.add(edge);
  return [...indexes].filter((index) => index >= 0 && index <= MAX_INDEX).sort((a, b) => a - b);
}
