import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import type { Entry, StorageEngine, WriteBatch } from '@raftlog/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LogWriter } from '../src/log-writer.ts';

/** An engine whose writes and flushes are finished by the test, and which refuses what goes beyond its bound. */
class HeldEngine {
  readonly writes: {
    readonly batch: WriteBatch;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  readonly flushes: (() => void)[] = [];
  readonly engine: StorageEngine;

  constructor(engine: StorageEngine, durability: 'sync' | 'buffered', maxPendingBytes: number) {
    const held: Partial<StorageEngine> = {
      capabilities: { ...engine.capabilities, durability, maxPendingBytes },
      write: (batch) => new Promise((resolve, reject) => this.writes.push({ batch, resolve, reject })),
      logStore: new Proxy(engine.logStore, {
        get: (target, name) =>
          name === 'flush'
            ? () => new Promise<void>((resolve) => this.flushes.push(resolve))
            : Reflect.get(target, name, target),
      }),
    };
    this.engine = new Proxy(engine, { get: (target, name) => Reflect.get(name in held ? held : target, name) });
  }
}

async function held(durability: 'sync' | 'buffered', maxPendingBytes: number) {
  const engine = await MemoryStorageEngine.open({});
  onTestFinished(() => engine.close());
  const disk = new HeldEngine(engine, durability, maxPendingBytes);
  const stored: number[] = [];
  const failures: unknown[] = [];
  const writer = new LogWriter(disk.engine, {
    stored: (id) => stored.push(id),
    failed: (error) => failures.push(error),
  });
  return { disk, stored, failures, writer };
}

const entry = (index: number, bytes: number): Entry => ({
  index,
  term: 1,
  kind: 'command',
  data: new Uint8Array(bytes),
});
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the writes of a node', () => {
  test('are told in their order, whatever order the engine answers in', async () => {
    const { disk, stored, writer } = await held('sync', 10_000);
    for (const id of [1, 2, 3]) writer.write({ id, entries: [entry(id, 10)] });
    disk.writes[2]?.resolve();
    disk.writes[1]?.resolve();
    await settled();
    expect(stored).toEqual([]);
    disk.writes[0]?.resolve();
    await settled();
    expect(stored).toEqual([3]);
  });

  test('wait where the engine has enough, all of them, so that none overtakes', async () => {
    const { disk, writer } = await held('sync', 1_000);
    writer.write({ id: 1, entries: [entry(1, 400)] });
    writer.write({ id: 2, entries: [entry(2, 400)] });
    writer.write({ id: 3, hardState: { currentTerm: 2, votedFor: undefined }, entries: [] });
    expect(disk.writes).toHaveLength(1);
    expect(writer.isCongested).toBe(true);
    const handedOver = writer.handedOver();
    disk.writes[0]?.resolve();
    await settled();
    expect(disk.writes.map(({ batch }) => batch.entries?.[0]?.index ?? batch.hardState?.currentTerm)).toEqual([
      1, 2, 2,
    ]);
    await handedOver;
    expect(writer.handedOver()).toBeUndefined();
  });

  test('that are larger than the bound go alone', async () => {
    const { disk, writer } = await held('sync', 1_000);
    writer.write({ id: 1, entries: [entry(1, 5_000)] });
    expect(disk.writes).toHaveLength(1);
  });

  test('count only once a buffered engine has flushed what was accepted before', async () => {
    const { disk, stored, writer } = await held('buffered', 10_000);
    writer.write({ id: 1, entries: [entry(1, 10)] });
    writer.write({ id: 2, entries: [entry(2, 10)] });
    disk.writes[0]?.resolve();
    await settled();
    expect([disk.flushes.length, stored]).toEqual([1, []]);
    // It was written while the flush was under way: that one need not cover it.
    disk.writes[1]?.resolve();
    await settled();
    expect(disk.flushes).toHaveLength(1);
    disk.flushes[0]?.();
    await settled();
    expect([disk.flushes.length, stored]).toEqual([2, [1]]);
    disk.flushes[1]?.();
    await settled();
    expect(stored).toEqual([1, 2]);
  });

  test('count for nothing after one has failed', async () => {
    const { disk, stored, failures, writer } = await held('sync', 10_000);
    for (const id of [1, 2]) writer.write({ id, entries: [entry(id, 10)] });
    disk.writes[0]?.reject(new Error('no disk'));
    disk.writes[1]?.resolve();
    await settled();
    writer.write({ id: 3, entries: [entry(3, 10)] });
    expect([stored, failures.length, disk.writes.length]).toEqual([[], 1, 2]);
    await writer.stop();
  });
});
