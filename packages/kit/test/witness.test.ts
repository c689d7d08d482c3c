import { LossyFileIo } from '@raftlog/core/conformance';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Witness } from '../src/directory/witness.ts';

const id = (index: number) => ({ index, term: 1 });
const noFailure = (operation: string, error: unknown): void => {
  throw new Error(operation, { cause: error });
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function created(): Promise<{ io: LossyFileIo; witness: Witness }> {
  const io = new LossyFileIo({ directories: ['/data'] });
  const witness = await Witness.create('/data', io, noFailure);
  await io.syncDirectory('/data');
  return { io, witness };
}

const writes = (io: LossyFileIo) => io.trace.filter((call) => call.operation === 'write').length;

test('a new one has recorded nothing', async () => {
  const { io, witness } = await created();
  expect(witness.recorded).toBeUndefined();
  await witness.close(true);
  const again = await Witness.open('/data', io, noFailure);
  expect(again.recorded).toBeUndefined();
  expect(again.damaged).toBe(false);
});

test('the last note is written at close, and not if close must not write', async () => {
  const { io, witness } = await created();
  witness.note(1, id(10));
  witness.note(2, undefined);
  await witness.close(true);
  const second = await Witness.open('/data', io.powerCut({ mode: 'synced' }), noFailure);
  expect(second.recorded).toEqual({ sequence: 2, lastLogId: undefined });
  second.note(3, id(11));
  await second.close(false);
});

test('writes at most once a second, always the newest note', async () => {
  const { io, witness } = await created();
  const before = writes(io);
  for (let sequence = 1; sequence <= 30; sequence++) {
    witness.note(sequence, id(sequence));
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(writes(io) - before).toBeGreaterThanOrEqual(2);
  expect(writes(io) - before).toBeLessThanOrEqual(3);
  await witness.close(true);
  expect((await Witness.open('/data', io, noFailure)).recorded).toEqual({ sequence: 30, lastLogId: id(30) });
});

test('a torn write leaves the other slot', async () => {
  const { io, witness } = await created();
  for (let sequence = 1; sequence <= 3; sequence++) {
    witness.note(sequence, id(sequence));
    await vi.advanceTimersByTimeAsync(1000);
  }
  let torn: LossyFileIo | undefined;
  io.onCall = (call) => {
    if (call.operation === 'datasync') torn = io.clone();
  };
  witness.note(4, id(4));
  await witness.close(true);
  expect(torn).toBeDefined();
  for (const { fileIo } of torn?.powerCutStates({ limit: 30, seed: 1 }).states ?? []) {
    const { recorded } = await Witness.open('/data', fileIo, noFailure);
    expect([3, 4]).toContain(recorded?.sequence);
  }
});

test('what is written after a reopen is durable too', async () => {
  const { io, witness } = await created();
  witness.note(1, id(1));
  await witness.close(true);
  const again = await Witness.open('/data', io, noFailure);
  again.note(2, id(2));
  await again.close(true);
  expect((await Witness.open('/data', io.powerCut({ mode: 'synced' }), noFailure)).recorded?.sequence).toBe(2);
});

test('either slot damaged: the other one is used, and the damage told and mended', async () => {
  const { io, witness } = await created();
  witness.note(1, id(1));
  await vi.advanceTimersByTimeAsync(1000);
  witness.note(2, id(2));
  await witness.close(true);
  for (const [offset, left] of [
    [100, 2],
    [5000, 1],
  ] as const) {
    const damaged = io.clone();
    const bytes = damaged.readFile('/data/witness');
    bytes[offset] = 1;
    damaged.writeFile('/data/witness', bytes);
    const again = await Witness.open('/data', damaged, noFailure);
    expect(again.recorded?.sequence).toBe(left);
    expect(again.damaged).toBe(true);
    again.note(3, id(3));
    await again.close(true);
    expect((await Witness.open('/data', damaged, noFailure)).recorded?.sequence).toBe(3);
    expect((await Witness.open('/data', damaged, noFailure)).damaged).toBe(false);
  }
});

test('a missing file is not fatal: opening makes none, the next note does', async () => {
  const io = new LossyFileIo({ directories: ['/data'] });
  const witness = await Witness.open('/data', io, noFailure);
  expect(witness.damaged).toBe(true);
  expect(io.files('/data')).toEqual([]);
  witness.note(7, id(7));
  await witness.close(true);
  const again = await Witness.open('/data', io.powerCut({ mode: 'synced' }), noFailure);
  expect(again.recorded?.sequence).toBe(7);
  expect(again.damaged).toBe(false);
});

test.each(['write', 'datasync'] as const)('a failed %s is reported once and ends the witness', async (operation) => {
  const io = new LossyFileIo({ directories: ['/data'] });
  const failures: unknown[] = [];
  const witness = await Witness.create('/data', io, (_, error) => failures.push(error));
  io.failAt(1, 'EIO', { operations: [operation] });
  witness.note(1, id(1));
  await vi.advanceTimersByTimeAsync(1000);
  expect(failures).toMatchObject([{ code: 'STORE_FAILED' }]);
  const before = writes(io);
  witness.note(2, id(2));
  await vi.advanceTimersByTimeAsync(5000);
  await witness.close(true);
  expect(writes(io)).toBe(before);
  expect(failures).toHaveLength(1);
});
