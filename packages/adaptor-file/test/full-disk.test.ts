import type { LossyFileIo } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { segment } from './support/disk-bytes.ts';
import { append, newDisk, TestStore } from './support/store.ts';

/** The next write of a record finds no room; `forever`: and no later one either. */
function fill(disk: LossyFileIo, forever: boolean): void {
  disk.failAt(1, 'ENOSPC', { operations: ['write'], forever });
}

test('a file that can’t grow ahead grows with its records, and they are durable', async () => {
  const disk = newDisk();
  let store = await TestStore.open(disk, { create: true, segmentBytes: 1024 * 1024 });
  await store.commit(append(1, [1]));
  fill(disk, false);
  // Larger than what the first commit has left of the zeros behind it.
  await store.commit(append(2, [2], 16_000));
  await store.commit(append(3, [3], 16_000));
  const after = disk.powerCut({ mode: 'synced' });
  await store.close().catch(() => {});
  store = await TestStore.open(after);
  expect([...(await store.all()).keys()]).toEqual([1, 2, 3]);
  await store.commit(append(4, [4]));
  await store.close();
  expect(after.readFile(segment(1)).byteLength % 1024).not.toBe(0);
});

test('a record that finds no room fails, and nothing is written after it', async () => {
  const disk = newDisk();
  const store = await TestStore.open(disk, { create: true, segmentBytes: 1024 * 1024 });
  await store.commit(append(1, [1]));
  fill(disk, true);
  await expect(store.commit(append(2, [2], 16_000))).rejects.toThrow('ENOSPC');
  disk.healAll();
  const { calls } = disk;
  await expect(store.commit(append(3, [3]))).rejects.toThrow('earlier write');
  await store.close();
  expect(disk.trace.slice(calls).filter(({ operation }) => operation === 'write')).toEqual([]);
});
