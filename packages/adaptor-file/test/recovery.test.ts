import { isStorageError } from '@raftlog/core';
import type { LossyFileIo } from '@raftlog/core/conformance';
import type { Commit } from '@raftlog/kit';
import { describe, expect, test } from 'vitest';
import { encodeRecordHeader, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, viewOf } from '../src/segment-format.ts';
import { damage, image, readAll, segment, writeAll } from './support/disk-bytes.ts';
import { applyToModel, type Model } from './support/model.ts';
import {
  append,
  block,
  DIRECTORY,
  headerOf,
  newDisk,
  type StoreOptions,
  sequenceOf,
  TestStore,
} from './support/store.ts';

/** Makes a log of these commits; `states[n]` is what commit n left, `ends[n]` where its record ends in the newest segment. */
async function logOf(commits: readonly Commit[], options: StoreOptions = {}) {
  const disk = newDisk();
  const store = await TestStore.open(disk, { create: true, ...options });
  const states: Model[] = [new Map()];
  const ends = [SEGMENT_HEADER_BYTES];
  for (const commit of commits) {
    await store.commit(commit);
    states.push(applyToModel(states.at(-1) ?? new Map(), commit));
    ends.push((ends.at(-1) ?? 0) + recordLength(commit));
  }
  await store.close();
  return { disk, states, ends };
}

function recordLength({ put, header }: Commit): number {
  const body = put.reduce((sum, { bytes }) => sum + 16 + bytes.byteLength, header.byteLength);
  return Math.ceil((RECORD_HEADER_BYTES + body) / 8) * 8;
}

async function expectCorruption(disk: LossyFileIo, options: StoreOptions = {}) {
  const before = await image(disk);
  const error = await TestStore.open(disk, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isStorageError(error, 'CORRUPTION')) throw new Error('expected CORRUPTION', { cause: error });
  expect(await image(disk), 'nothing is changed').toEqual(before);
  return error.details;
}

const small = [
  append(1, [1, 2]),
  append(2, [4], 41),
  append(3, [6, 9], 30),
  append(4, [10], 0),
  append(5, [12, 15], 25),
];

describe('the tail', () => {
  test('cut at every byte: the commits before it, and the log goes on', async () => {
    const { disk, states, ends } = await logOf(small);
    const whole = await readAll(disk, segment(1));
    for (let size = SEGMENT_HEADER_BYTES; size <= whole.byteLength; size++) {
      const cut = newDisk();
      await writeAll(cut, segment(1), whole.subarray(0, size));
      const expected = ends.findLastIndex((end) => end <= size + 7 - ((size + 7) % 8));
      let store = await TestStore.open(cut);
      // The padding behind a record belongs to nobody: a record may end up to seven bytes before its place ends.
      const sequence = sequenceOf(store.opened.header);
      expect([expected, expected - 1], `cut at ${size}`).toContain(sequence);
      expect(await store.all()).toEqual(states[sequence]);
      await store.commit(append(sequence + 1, [100]));
      await store.close();
      store = await TestStore.open(cut);
      expect(await store.all()).toEqual(applyToModel(states[sequence] ?? new Map(), append(sequence + 1, [100])));
      await store.close();
    }
  });

  test('every byte flipped: refused, harmless, or the last commit dropped whole', async () => {
    const { disk, states } = await logOf(small);
    const whole = await readAll(disk, segment(1));
    for (const witnessedSequence of [0, 5]) {
      for (let at = 0; at < whole.byteLength; at++) {
        const flipped = newDisk();
        await writeAll(flipped, segment(1), whole);
        await damage(flipped, segment(1), at);
        try {
          const store = await TestStore.open(flipped, { witnessedSequence });
          const sequence = sequenceOf(store.opened.header);
          expect(witnessedSequence === 5 ? [5] : [4, 5]).toContain(sequence);
          expect(await store.all()).toEqual(states[sequence]);
          await store.close();
        } catch (error) {
          if (!isStorageError(error, 'CORRUPTION') && !isStorageError(error, 'UNSUPPORTED_FORMAT')) throw error;
        }
      }
    }
  });

  test('a length that the file does not back is not believed', async () => {
    const { disk, states, ends } = await logOf(small);
    const bytes = await readAll(disk, segment(1));
    const last = ends.at(-2) ?? 0;
    const view = viewOf(bytes.subarray(last, last + RECORD_HEADER_BYTES));
    const header = {
      id: 1,
      salt: view.getUint32(8, true),
      offset: last,
      sequence: 5,
      syncedSequence: 4,
      removeFrom: undefined,
      removeThrough: undefined,
      highKeyBefore: 10,
      highKeyAfter: 15,
      lowestCut: Number.MAX_SAFE_INTEGER,
      cuts: 0,
      firstSegment: 1,
      bodyBytes: 2 ** 32 - 1,
      bodyCrc: 0,
      blockCount: 2,
      kitHeaderBytes: 64,
    };
    encodeRecordHeader(view, bytes.subarray(last, last + RECORD_HEADER_BYTES), header);
    await writeAll(disk, segment(1), bytes);
    const store = await TestStore.open(disk);
    expect(await store.all()).toEqual(states[4]);
    await store.close();
  });

  test('what was cut off never joins what is written later', async () => {
    const disk = newDisk();
    let store = await TestStore.open(disk, { create: true, buffered: true });
    await store.commit(append(1, [1]));
    await store.blocks.sync();
    for (const sequence of [2, 3, 4]) await store.commit(append(sequence, [sequence]));
    const reordered = disk.clone();
    await store.close();
    // Commit 2 did not reach the disk, 3 and 4 did.
    await damage(reordered, segment(1), SEGMENT_HEADER_BYTES + recordLength(append(1, [1])) + 20);
    store = await TestStore.open(reordered, { buffered: true });
    expect([...(await store.all()).keys()]).toEqual([1]);
    expect(store.opened.discardedBytes).toBeGreaterThan(0);
    await store.commit(append(2, [2]));
    const again = reordered.killProcess();
    await store.close().catch(() => {});
    store = await TestStore.open(again, { buffered: true });
    expect(sequenceOf(store.opened.header)).toBe(2);
    expect([...(await store.all()).keys()]).toEqual([1, 2]);
    await store.close();
  });

  test('what is served after a failed sync survives a power cut', async () => {
    const disk = newDisk();
    let store = await TestStore.open(disk, { create: true });
    await store.commit(append(1, [1]));
    disk.failAt(1, 'EIO', { operations: ['datasync'] });
    await expect(store.commit(append(2, [2]))).rejects.toThrow('EIO');
    await expect(store.commit(append(3, [3]))).rejects.toThrow();
    await store.close();
    const next = disk.killProcess();
    store = await TestStore.open(next);
    const found = await store.all();
    const afterCut = await TestStore.open(next.powerCut({ mode: 'synced' }));
    expect(await afterCut.all()).toEqual(found);
    await afterCut.close();
  });
});

test('a segment whose name is not durable yet is made so before it is used', async () => {
  const disk = newDisk();
  let killed: LossyFileIo | undefined;
  let store = await TestStore.open(disk, { create: true });
  disk.onCall = ({ operation }) => {
    if (operation === 'syncDirectory') killed ??= disk.clone();
  };
  await store.commit(append(1, [1]));
  await store.close();
  if (killed === undefined) throw new Error('the directory was not synced');
  store = await TestStore.open(killed, { create: true });
  await store.commit(append(1, [1]));
  const cut = await TestStore.open(killed.powerCut({ mode: 'synced' }));
  expect([...(await cut.all()).keys()]).toEqual([1]);
  await cut.close();
});

describe('damage', () => {
  test('before the tail is refused, with file, offset and lost range', async () => {
    const { disk, ends } = await logOf(small);
    await damage(disk, segment(1), (ends[1] ?? 0) + 120);
    const details = await expectCorruption(disk);
    expect(details).toEqual({ path: segment(1), offset: ends[1], lostRange: { first: 3, last: 4 } });
  });

  test('of the last commit is refused if it was witnessed', async () => {
    const { disk, ends } = await logOf(small);
    await damage(disk, segment(1), (ends[4] ?? 0) + 120);
    const details = await expectCorruption(disk, { witnessedSequence: 5 });
    expect(details).toEqual({ path: segment(1), offset: ends[4], lostRange: { first: 11, last: 15 } });
  });

  test('of all that was witnessed at the end is salvaged and repaired, and then the log opens as if nothing had been', async () => {
    const { disk, states, ends } = await logOf(small);
    const tail = ends[2] ?? 0;
    await damage(disk, segment(1), tail, (ends[5] ?? 0) - tail);
    await expectCorruption(disk, { witnessedSequence: 5 });
    let store = await TestStore.open(disk, { salvage: true, witnessedSequence: 5 });
    expect([...(await store.all()).keys()]).toEqual([1, 2, 4]);
    await store.commit({ sequence: 6, put: [], header: headerOf(6) });
    const put = small.slice(2).flatMap((commit) => commit.put);
    await store.commit({ sequence: 7, put, header: headerOf(7) });
    await store.commit(append(8, [20]));
    await store.close();
    expect(store.backgroundFailures).toEqual([]);
    store = await TestStore.open(disk, { witnessedSequence: 8 });
    expect(await store.all()).toEqual(applyToModel(states[5] ?? new Map(), append(8, [20])));
    await store.close();
  });

  test('in the middle of a segment leaves both sides, and the repair lands between them', async () => {
    const { disk, states, ends } = await logOf(small);
    await damage(disk, segment(1), (ends[2] ?? 0) + 140);
    let store = await TestStore.open(disk, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 5, last: 9 }]);
    expect([...(await store.all()).keys()]).toEqual([1, 2, 4, 10, 12, 15]);
    await store.commit({ sequence: 6, put: [block(6, 3, 30), block(9, 3, 30)], header: headerOf(6) });
    await store.commit(append(7, [20]));
    await store.close();
    for (const salvage of [false, true]) {
      store = await TestStore.open(disk, { salvage });
      expect(store.opened.damagedRanges).toBeUndefined();
      expect(await store.all()).toEqual(applyToModel(states[5] ?? new Map(), append(7, [20])));
      await store.close();
    }
  });

  test('that took a truncation with it brings nothing back that was truncated', async () => {
    const commits = [
      append(1, [1, 2, 3, 4, 5, 6]),
      { sequence: 2, removeFrom: 3, put: [block(3, 2), block(4, 2)], header: headerOf(2) },
      append(3, [5]),
      append(4, [6]),
    ];
    const { disk, ends } = await logOf(commits);
    await damage(disk, segment(1), (ends[1] ?? 0) + 4);
    const store = await TestStore.open(disk, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 3, last: 4 }]);
    expect([...(await store.all()).values()].map((text) => text.split(' ')[0])).toEqual(['1@1', '2@1', '5@3', '6@4']);
    await store.close();
  });
});

/** Four commits in four segments. */
const large = [1, 2, 3, 4].map((sequence) => append(sequence, [sequence * 10, sequence * 10 + 5], 25_000));

describe('sealed segments', () => {
  test('are opened by their footers, or scanned where a footer is gone', async () => {
    const { disk, states } = await logOf(large);
    const bytes = await readAll(disk, segment(2));
    for (const broken of [bytes.byteLength - 1, bytes.byteLength - 90]) {
      const copy = disk.clone();
      await damage(copy, segment(2), broken);
      const store = await TestStore.open(copy);
      expect(await store.all()).toEqual(states[4]);
      await store.close();
    }
  });

  test('are not scanned at open', async () => {
    const { disk } = await logOf(large);
    const copy = disk.clone();
    const store = await TestStore.open(copy);
    const reads = copy.trace.filter(({ operation, path }) => operation === 'read' && path === segment(2));
    expect(reads.length).toBe(2);
    await store.close();
  });

  test('that are damaged and have no footer are refused', async () => {
    const { disk } = await logOf(large);
    await damage(disk, segment(2), (await readAll(disk, segment(2))).byteLength - 1);
    await damage(disk, segment(2), SEGMENT_HEADER_BYTES + 300);
    const details = await expectCorruption(disk);
    expect(details).toEqual({ path: segment(2), offset: SEGMENT_HEADER_BYTES, lostRange: { first: 16, last: 25 } });
  });

  test('are looked through by a salvage', async () => {
    const { disk, states } = await logOf(large);
    await damage(disk, segment(2), SEGMENT_HEADER_BYTES + 3);
    let store = await TestStore.open(disk, { salvage: true });
    expect(store.opened.damagedRanges).toEqual([{ first: 16, last: 25 }]);
    await store.commit({ sequence: 5, put: [block(20, 2, 25_000), block(25, 2, 25_000)], header: headerOf(5) });
    await store.close();
    store = await TestStore.open(disk);
    expect(await store.all()).toEqual(states[4]);
    await store.close();
  });

  test.each(['header', 'file', 'last file'])('without their %s are refused, and salvaged', async (lost) => {
    const { disk, states } = await logOf(large);
    const id = lost === 'last file' ? 4 : 2;
    if (lost === 'header') await damage(disk, segment(id), 100);
    else await disk.remove(segment(id));
    await disk.syncDirectory(DIRECTORY);
    const details = await expectCorruption(disk);
    expect(details.path).toBe(segment(id));
    // Without a witness nobody would know what the last one had cut off.
    let store = await TestStore.open(disk, { salvage: true, witnessedSequence: lost === 'last file' ? 4 : 0 });
    const left = new Map([...(states[4] ?? [])].filter(([key]) => lost === 'header' || Math.floor(key / 10) !== id));
    expect(await store.all()).toEqual(left);
    if (lost === 'file') expect(store.opened.damagedRanges).toEqual([{ first: 16, last: 25 }]);
    const put = lost === 'header' ? [] : [block(id * 10, id, 25_000), block(id * 10 + 5, id, 25_000)];
    await store.commit({ sequence: 5, put, header: headerOf(5) });
    await store.close();
    expect(store.backgroundFailures).toEqual([]);
    store = await TestStore.open(disk);
    expect(await store.all()).toEqual(states[4]);
    await store.close();
  });

  test('of another format version are refused as such', async () => {
    const { disk } = await logOf(small);
    const bytes = await readAll(disk, segment(1));
    const { crc32 } = await import('node:zlib');
    viewOf(bytes).setUint32(4, 9, true);
    viewOf(bytes).setUint32(SEGMENT_HEADER_BYTES - 4, crc32(bytes.subarray(0, SEGMENT_HEADER_BYTES - 4)), true);
    await writeAll(disk, segment(1), bytes);
    const error = await TestStore.open(disk).catch((reason: unknown) => reason);
    expect(isStorageError(error, 'UNSUPPORTED_FORMAT') && error.details.found).toBe(9);
  });

  test('that were never finished are removed, other files are left alone', async () => {
    const { disk, states } = await logOf(small);
    await writeAll(disk, `${DIRECTORY}/0000000002.tmp`, new Uint8Array(100));
    await writeAll(disk, `${DIRECTORY}/notes.txt`, new Uint8Array(3));
    const store = await TestStore.open(disk);
    expect((await disk.list(DIRECTORY)).sort()).toEqual(['0000000001.log', 'notes.txt']);
    expect(await store.all()).toEqual(states[5]);
    await store.close();
  });

  test('that were purged are used again, and their old records never replay', async () => {
    const { disk } = await logOf(large);
    let store = await TestStore.open(disk);
    await store.commit({ sequence: 5, removeThrough: 39, put: [], header: headerOf(5) });
    while ((await disk.list(DIRECTORY)).length > 2) await new Promise(setImmediate);
    await store.commit(append(6, [50, 60], 30_000));
    expect((await disk.list(DIRECTORY)).sort()).toEqual(['0000000004.log', '0000000005.log']);
    const crashed = disk.powerCut({ mode: 'synced' });
    store = await TestStore.open(crashed);
    expect([...(await store.all()).keys()]).toEqual([40, 45, 50, 60]);
    await store.close();
  });
});
