import type { LossyFileIo } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { codeOf, errorOf } from './support/error-of.ts';
import { forEachCrash } from './support/power-cuts.ts';
import { bytes, contentOf, directory, id, newDisk, open, source } from './support/snapshots.ts';

test('any flipped byte of the newest: reading gives CORRUPTION with path and offset, the list and the older one go on', async () => {
  const io = newDisk();
  const failures: unknown[] = [];
  const store = await open(io, directory, failures);
  const older = await store.save({ ...id(1), context: bytes(5) }, source(bytes(500)));
  const newest = await store.save({ ...id(2), context: bytes(40) }, source(bytes(300)));
  const path = `${directory}/${newest.id}.snap`;
  const intact = io.readFile(path);
  for (let offset = 0; offset < intact.byteLength; offset++) {
    const flipped = intact.slice();
    flipped[offset] = (flipped[offset] ?? 0) ^ 4;
    io.writeFile(path, flipped);
    expect(await errorOf(contentOf(store.open(newest.id)))).toMatchObject({ code: 'CORRUPTION', details: { path } });
    expect(await store.list()).toEqual([newest, older]);
  }
  expect(failures).toEqual([]);
  expect((await contentOf(store.open(older.id))).equals(bytes(500))).toBe(true);
});

test('the newest cut at any byte: reading gives CORRUPTION, and it does not push out the older one', async () => {
  const io = newDisk();
  const failures: unknown[] = [];
  const store = await open(io, directory, failures);
  const older = await store.save(id(1), source(bytes(500)));
  const newest = await store.save(id(2), source(bytes(300)));
  const path = `${directory}/${newest.id}.snap`;
  const intact = io.readFile(path);
  for (let length = 0; length < intact.byteLength; length++) {
    io.writeFile(path, intact.slice(0, length));
    expect(await codeOf(contentOf(store.open(newest.id)))).toBe('CORRUPTION');
    expect(await store.list()).toContainEqual(older);
  }
  io.writeFile(path, new Uint8Array(0));
  await store.retain(1);
  expect(await store.list()).toEqual([older]);
  expect(failures.length).toBeGreaterThan(0);
});

test('a damaged large snapshot delivers only what is intact', async () => {
  const io = newDisk();
  const store = await open(io);
  const content = bytes(1_000_000);
  const info = await store.save(id(2), source(content));
  const path = `${directory}/${info.id}.snap`;
  const file = io.readFile(path);
  file[700_000] = (file[700_000] ?? 0) ^ 1;
  io.writeFile(path, file);
  let delivered = 0;
  const reading = (async () => {
    for await (const chunk of store.open(info.id)) {
      expect(Buffer.compare(chunk, content.subarray(delivered, delivered + chunk.byteLength))).toBe(0);
      delivered += chunk.byteLength;
    }
  })();
  expect(await errorOf(reading)).toMatchObject({ code: 'CORRUPTION', details: { path } });
  expect(delivered).toBe(2 * 256 * 1024);
});

test('whatever call of a save fails: a typed error, nothing visible, nothing left after the next open', async () => {
  for (let number = 1; ; number++) {
    const io = newDisk();
    const store = await open(io);
    const before = await store.save(id(1), source(bytes(100)));
    io.failAt(number, 'ENOSPC', { operations: ['open', 'write', 'datasync', 'close', 'rename', 'syncDirectory'] });
    const outcome = await store.save(id(2), source(bytes(600_000))).then(
      () => 'saved',
      (error: { code: string }) => error.code,
    );
    if (outcome === 'saved') break;
    expect(outcome).toBe('NO_SPACE');
    expect(await store.list()).toEqual([before]);
    expect(await (await open(io.killProcess())).list()).toEqual([before]);
  }
});

test('a snapshot survives any crash once it was saved, and is there whole or not at all before', async () => {
  const contents = new Map([1, 2, 3].map((index) => [index, bytes(index * 3000, index)] as const));
  const check = async (io: LossyFileIo, promised: number): Promise<void> => {
    const failures: unknown[] = [];
    const store = await open(io, directory, failures);
    const listed = await store.list();
    expect(failures).toEqual([]);
    expect(listed[0]?.lastIncluded.index ?? 0).toBeGreaterThanOrEqual(promised);
    for (const { id: snapshot, lastIncluded } of listed) {
      expect((await contentOf(store.open(snapshot))).equals(contents.get(lastIncluded.index) ?? bytes(0))).toBe(true);
    }
    expect(io.files(directory)).toHaveLength(listed.length);
    // What this process was shown must still be there after a power cut.
    const shown = (await store.latest())?.lastIncluded.index ?? 0;
    const again = await open(io.powerCut({ mode: 'synced' }));
    expect((await again.latest())?.lastIncluded.index ?? 0).toBe(shown);
  };
  const count = await forEachCrash(
    0,
    async (io, promise) => {
      const store = await open(io);
      for (const [index, content] of contents) {
        await store.save(id(index), source(content));
        promise(index);
      }
      await store.retain(2);
      await store.remove((await store.list())[1]?.id ?? '');
      expect((await store.list()).map((info) => info.lastIncluded.index)).toEqual([3]);
    },
    ({ io, promised }) => check(io, promised),
    { io: newDisk() },
  );
  expect(count).toBeGreaterThan(100);
});
