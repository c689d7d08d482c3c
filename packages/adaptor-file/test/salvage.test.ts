import { type FileIo, isStorageError } from '@raftlog/core';
import type { LossyFileIo } from '@raftlog/core/conformance';
import type { Commit } from '@raftlog/kit';
import { describe, expect, test } from 'vitest';
import { BlockIndex } from '../src/block-index.ts';
import { decodeTrailer, encodeTrailer, SEGMENT_HEADER_BYTES, TRAILER_BYTES, viewOf } from '../src/segment-format.ts';
import { withBadSectors } from './support/bad-sectors.ts';
import { damage, readAll, segment, writeAll } from './support/disk-bytes.ts';
import { append, block, DIRECTORY, headerOf, newDisk, type StoreOptions, TestStore } from './support/store.ts';

async function diskOf(commits: readonly Commit[]): Promise<LossyFileIo> {
  const disk = newDisk();
  const store = await TestStore.open(disk, { create: true });
  for (const commit of commits) await store.commit(commit);
  await store.close();
  return disk;
}

/** What the store holds, as `key@commit`. */
async function found(store: TestStore): Promise<string[]> {
  return [...(await store.all()).values()].map((text) => text.split(' ')[0] ?? '');
}

async function refusal(fileIo: FileIo, options: StoreOptions = {}): Promise<string> {
  const error: unknown = await TestStore.open(fileIo, options).then(
    () => 'none',
    (reason: unknown) => reason,
  );
  return isStorageError(error) ? error.code : String(error);
}

/** Where the n-th occurrence of `needle` stands in a segment. */
async function positionOf(disk: FileIo, id: number, needle: string, number: number): Promise<number> {
  const bytes = Buffer.from(await readAll(disk, segment(id)));
  let at = -1;
  for (let i = 0; i < number; i++) at = bytes.indexOf(needle, at + 1);
  return at;
}

const LARGE = 25_000;

describe('a truncation that is lost', () => {
  test('with the header of its segment brings nothing back that was truncated', async () => {
    const disk = await diskOf([
      append(1, [10, 15], LARGE),
      { sequence: 2, removeFrom: 12, put: [block(15, 2, LARGE), block(18, 2)], header: headerOf(2) },
      append(3, [25]),
    ]);
    await damage(disk, segment(2), 0, SEGMENT_HEADER_BYTES + 200);
    let store = await TestStore.open(disk, { salvage: true });
    expect(await found(store)).toEqual(['25@3']);
    expect(store.opened.damagedRanges).toEqual([{ first: 1, last: 18 }]);
    await store.commit(append(4, [30]));
    await store.close();
    store = await TestStore.open(disk);
    expect(await found(store)).toEqual(['25@3', '30@4']);
    await store.close();
  });

  const threeSegments = [
    append(1, [10, 15], LARGE),
    { sequence: 2, removeFrom: 6, put: [block(8, 2), block(16, 2)], header: headerOf(2) },
    { sequence: 3, removeFrom: 12, put: [block(14, 3, LARGE), block(17, 3, LARGE)], header: headerOf(3) },
    append(4, [20, 25], LARGE),
  ];

  test('with its segment is held to the lowest cut of that segment, where all before it is there', async () => {
    const disk = await diskOf(threeSegments);
    await disk.remove(segment(2));
    const store = await TestStore.open(disk, { salvage: true });
    expect(await found(store)).toEqual(['8@2', '20@4', '25@4']);
    expect(store.opened.damagedRanges).toEqual([{ first: 12, last: 17 }]);
    await store.close();
  });

  test('with its segment and the end of the one before may have been any', async () => {
    const disk = await diskOf(threeSegments);
    await disk.remove(segment(2));
    await damage(disk, segment(1), await positionOf(disk, 1, 'rlrc', 2));
    const store = await TestStore.open(disk, { salvage: true });
    expect(await found(store)).toEqual(['20@4', '25@4']);
    expect(store.opened.damagedRanges).toEqual([{ first: 1, last: 17 }]);
    await store.close();
  });

  test('tells how far the log went before it grew again', async () => {
    const disk = await diskOf([
      append(1, [5]),
      append(2, [20]),
      { sequence: 3, removeFrom: 12, put: [], header: headerOf(3) },
      append(4, [18]),
    ]);
    await damage(disk, segment(1), (await positionOf(disk, 1, 'rlrc', 2)) + 200);
    await damage(disk, segment(1), await positionOf(disk, 1, 'rlrc', 3));
    const store = await TestStore.open(disk, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 6, last: 11 }]);
    expect(await found(store)).toEqual(['5@1', '18@4']);
    await store.close();
  });
});

test('what was truncated after it was damaged is not lost', async () => {
  for (const size of [100, LARGE]) {
    const disk = await diskOf([
      append(1, [5], size),
      append(2, [10], size),
      append(3, [15], size),
      { sequence: 4, removeFrom: 6, put: [block(9, 4, size), block(12, 4, size)], header: headerOf(4) },
    ]);
    await damage(disk, segment(1), (await positionOf(disk, 1, 'rlrc', 2)) + 200);
    const store = await TestStore.open(disk, { salvage: true });
    expect(store.opened.damagedRanges).toBeUndefined();
    expect(await found(store)).toEqual(['5@1', '9@4', '12@4']);
    await store.close();
  }
});

test('no key gets a second place', () => {
  const index = new BlockIndex();
  index.put(1, 1, 10);
  expect(() => index.put(2, 10, 20)).toThrow(RangeError);
});

describe('the newest segment', () => {
  const large = [1, 2, 3, 4].map((sequence) => append(sequence, [sequence * 10, sequence * 10 + 5], LARGE));

  // It may have cut off anything, so nothing is served before a peer has brought it.
  test('is lost if the one before it has a footer, with all that it may have cut off, and a new one takes its place', async () => {
    const disk = await diskOf(large);
    await disk.remove(segment(4));
    const sealed = await readAll(disk, segment(3));
    let store = await TestStore.open(disk, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 1, last: 36 }]);
    await store.commit(append(4, [40]));
    expect((await readAll(disk, segment(3))).subarray(0, sealed.byteLength)).toEqual(sealed);
    const killed = disk.killProcess();
    await store.close().catch(() => {});
    store = await TestStore.open(killed);
    expect(await found(store)).toEqual(['40@4']);
    await store.close();
  });

  test('is left to the witness, if that knows how far the log went', async () => {
    const disk = await diskOf(large);
    await disk.remove(segment(4));
    const store = await TestStore.open(disk, { salvage: true, witnessedSequence: 4 });
    expect(store.opened.damagedRanges).toBeUndefined();
    await store.close();
  });

  test('tells nothing if no byte of it is left: the end of the log is lost', async () => {
    const disk = await diskOf(large);
    await writeAll(disk, segment(4), new Uint8Array(SEGMENT_HEADER_BYTES));
    const store = await TestStore.open(disk, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 1, last: 36 }]);
    await store.close();
  });

  test('tells by a header what a damaged record did whose own header is gone', async () => {
    const disk = await diskOf([append(1, [10]), append(2, [20]), append(3, [30])]);
    await damage(disk, segment(1), await positionOf(disk, 1, 'rlrc', 2));
    await damage(disk, segment(1), await positionOf(disk, 1, '30@3', 1));
    expect(await refusal(disk)).toBe('CORRUPTION');
    const store = await TestStore.open(disk, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 11, last: 20 }]);
    expect(await found(store)).toEqual(['10@1']);
    await store.close();
  });

  test('or any other begins where a footer ends, or the footer is not believed', async () => {
    const disk = await diskOf(large);
    const bytes = await readAll(disk, segment(2));
    const at = bytes.byteLength - TRAILER_BYTES;
    const view = viewOf(bytes);
    const stamp = { id: 2, salt: view.getUint32(12, true) };
    const trailer = decodeTrailer(bytes.subarray(at), stamp);
    if (trailer === undefined) throw new Error('Segment 2 has no footer.');
    bytes.set(encodeTrailer({ ...trailer, lastSequence: 3, highKey: 20 }), at);
    await writeAll(disk, segment(2), bytes);
    const store = await TestStore.open(disk);
    expect(await found(store)).toEqual(['10@1', '15@1', '20@2', '25@2', '30@3', '35@3', '40@4', '45@4']);
    await store.close();
  });
});

describe('bytes that can’t be read', () => {
  // Records of two pages and a half.
  const commits = [1, 2, 3, 4].map((sequence) => append(sequence, [sequence * 10], 10_056));

  test('are damage: refused, salvaged, and read around when they are repaired', async () => {
    const disk = await diskOf(commits);
    const from = await positionOf(disk, 1, '20@2', 1000);
    const bad = withBadSectors(disk, { path: segment(1), from, to: from + 512 });
    expect(await refusal(bad)).toBe('CORRUPTION');
    let store = await TestStore.open(bad, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 11, last: 20 }]);
    expect(await found(store)).toEqual(['10@1', '30@3', '40@4']);
    await store.commit({ sequence: 5, put: [block(20, 5)], header: headerOf(5) });
    await store.close();
    store = await TestStore.open(bad);
    expect(await found(store)).toEqual(['10@1', '20@5', '30@3', '40@4']);
    await store.close();
  });

  test('at the end are no torn tail', async () => {
    const disk = await diskOf(commits);
    const from = await positionOf(disk, 1, '40@4', 1000);
    const bad = withBadSectors(disk, { path: segment(1), from, to: from + 512 });
    expect(await refusal(bad)).toBe('CORRUPTION');
    const store = await TestStore.open(bad, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 31, last: 40 }]);
    await store.commit(append(5, [50]));
    expect((await disk.list(DIRECTORY)).length).toBe(2);
    await store.close();
  });

  test('in a header are as a damaged header', async () => {
    const disk = await diskOf(commits);
    const bad = withBadSectors(disk, { path: segment(1), from: 0, to: 512 });
    expect(await refusal(bad)).toBe('CORRUPTION');
    const store = await TestStore.open(bad, { salvage: true });
    expect(await found(store)).toEqual(['10@1', '20@2', '30@3', '40@4']);
    await store.close();
  });

  test('in a footer mean a scan', async () => {
    const disk = await diskOf([...commits, append(5, [50], 60_000)]);
    const { byteLength } = await readAll(disk, segment(1));
    const store = await TestStore.open(
      withBadSectors(disk, { path: segment(1), from: byteLength - 10, to: byteLength }),
    );
    expect(await found(store)).toEqual(['10@1', '20@2', '30@3', '40@4', '50@5']);
    await store.close();
  });

  test('between records that were not synced stay as they are', async () => {
    const disk = newDisk();
    let store = await TestStore.open(disk, { create: true, buffered: true });
    for (const commit of commits) await store.commit(commit);
    const killed = disk.killProcess();
    await store.close().catch(() => {});
    const from = await positionOf(killed, 1, '20@2', 1000);
    const bad = withBadSectors(killed, { path: segment(1), from, to: from + 512 });
    store = await TestStore.open(bad, { salvage: true, buffered: true, witnessedSequence: 4 });
    expect(await found(store)).toEqual(['10@1', '30@3', '40@4']);
    await store.close();
  });
});

test('a segment that was salvaged can be damaged and salvaged again', async () => {
  const disk = await diskOf([
    append(1, [1, 2]),
    append(2, [4], 41),
    append(3, [6, 9], 30),
    append(4, [10], 0),
    append(5, [12, 15], 25),
  ]);
  await damage(disk, segment(1), await positionOf(disk, 1, '6@3', 1));
  let store = await TestStore.open(disk, { salvage: true });
  await store.commit({ sequence: 6, put: [block(6, 6), block(9, 6)], header: headerOf(6) });
  await store.close();
  const whole = ['1@1', '2@1', '4@2', '6@6', '9@6', '10@4', '12@5', '15@5'];
  store = await TestStore.open(disk);
  expect(await found(store)).toEqual(whole.map((text) => (text === '10@4' ? '' : text)));
  await store.close();

  await damage(disk, segment(1), (await positionOf(disk, 1, '12@5', 1)) - 16);
  store = await TestStore.open(disk, { salvage: true });
  expect([...(await store.all()).keys()]).toEqual([1, 2, 4, 6, 9, 10]);
  await store.commit({ sequence: 7, put: [block(12, 7), block(15, 7)], header: headerOf(7) });
  await store.commit(append(8, [20]));
  await store.close();
  for (const salvage of [false, true]) {
    store = await TestStore.open(disk, { salvage });
    expect([...(await store.all()).keys()]).toEqual([1, 2, 4, 6, 9, 10, 12, 15, 20]);
    expect(store.opened.damagedRanges).toBeUndefined();
    await store.close();
  }
});
