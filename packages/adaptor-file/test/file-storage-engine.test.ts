import type { Entry, StorageEngine } from '@raftlog/core';
import { LossyFileIo } from '@raftlog/core/conformance';
import { describe, expect, test } from 'vitest';
import { FileStorageEngine } from '../src/index.ts';

const DIRECTORY = '/data/node';

function open(fileIo: LossyFileIo): Promise<StorageEngine> {
  return FileStorageEngine.open({ directory: DIRECTORY, fileIo, segmentBytes: 64 * 1024 });
}

function entries(first: number, last: number, data: Uint8Array): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, at) => ({ index: first + at, term: 1, kind: 'command', data }));
}

function imageOf(disk: LossyFileIo): ReadonlyMap<string, string> {
  return new Map(disk.files('/data').map((path) => [path, Buffer.from(disk.readFile(path)).toString('latin1')]));
}

describe('a log that is refused for what lies beside it', () => {
  test('is left byte for byte as it was', async () => {
    const disk = new LossyFileIo({ directories: ['/data'] });
    const engine = await open(disk);
    const hardState = `${DIRECTORY}/hardstate`;
    const oldVote = disk.readFile(`${hardState}.a`);
    await engine.metaStore.saveHardState({ currentTerm: 2, votedFor: 'node-1' });
    // Three segments, of which the first is to be removed.
    for (let first = 1; first <= 41; first += 20)
      await engine.logStore.persistEntries(entries(first, first + 19, new Uint8Array(2500)));
    const crash = new Promise<LossyFileIo>((resolve) => {
      disk.onCall = ({ operation }) => {
        if (operation === 'rename') resolve(disk.clone());
      };
    });
    await engine.logStore.purge({ index: 30, term: 1 });
    const crashed = await crash;
    await engine.close();
    crashed.writeFile(`${DIRECTORY}/blocks/0000000099.tmp`, new Uint8Array(3));
    for (const copy of ['a', 'b']) crashed.writeFile(`${hardState}.${copy}`, oldVote);
    const before = imageOf(crashed);
    await expect(open(crashed)).rejects.toMatchObject({ code: 'CORRUPTION' });
    expect(imageOf(crashed)).toEqual(before);
  });
});

test('a call of 2 GiB or more is refused, and the engine goes on', async () => {
  const engine = await open(new LossyFileIo({ directories: ['/data'] }));
  const largest = new Uint8Array(64 * 1024 * 1024);
  await expect(engine.logStore.persistEntries(entries(1, 32, largest))).rejects.toMatchObject({ code: 'TOO_LARGE' });
  await expect(engine.write({ truncateFrom: 1, entries: entries(1, 40, largest) })).rejects.toMatchObject({
    code: 'TOO_LARGE',
  });
  expect(engine.failure.aborted).toBe(false);
  await engine.logStore.persistEntries(entries(1, 1, new Uint8Array(1)));
  await engine.close();
});

test.each([64 * 1024 - 1, 1024 ** 3 + 1, 1.5 * 1024 * 1024 + 0.5, Number.NaN, '1 MiB', null])(
  'segments of %s bytes are refused before anything is made',
  async (segmentBytes) => {
    const disk = new LossyFileIo({ directories: ['/data'] });
    const options = { directory: DIRECTORY, fileIo: disk, segmentBytes: segmentBytes as number };
    await expect(FileStorageEngine.open(options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { argument: 'segmentBytes' },
    });
    expect(disk.files('/data')).toEqual([]);
  },
);
