import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SnapshotInfo } from '@raftlog/core';
import { LossyFileIo } from '@raftlog/core/conformance';
import { expect, test } from 'vitest';
import { nodeFileIo } from '../src/io/node-file-io.ts';
import { codeOf, errorOf } from './support/error-of.ts';
import { bytes, contentOf, directory, id, newDisk, open, source } from './support/snapshots.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';

test.each([0, 1, 255, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_000])('%i bytes come back', async (length) => {
  const io = newDisk();
  const store = await open(io);
  const content = bytes(length);
  const context = bytes(length % 3000, 9);
  const info = await store.save({ ...id(7, 3), context }, source(content.subarray(0, 10), content.subarray(10)));
  expect(info).toMatchObject({ lastIncluded: { index: 7, term: 3 }, size: length });
  const again = await open(io.powerCut({ mode: 'synced' }));
  const [listed] = await again.list();
  expect(listed).toEqual(info);
  expect(listed?.context).toEqual(context);
  expect((await contentOf(again.open(info.id))).equals(content)).toBe(true);
});

test('newest first: by index, then term, then save', async () => {
  const store = await open(newDisk());
  const saved: SnapshotInfo[] = [];
  for (const [index, term] of [
    [5, 1],
    [10, 1],
    [10, 2],
    [5, 1],
    [2 ** 53 - 2, 2 ** 53 - 1],
  ] as const) {
    saved.push(await store.save(id(index, term), source()));
  }
  const order = [4, 2, 1, 3, 0].map((i) => saved[i]?.id);
  expect((await store.list()).map((info) => info.id)).toEqual(order);
  expect((await store.latest())?.id).toBe(order[0]);
});

test('saves at the same time do not meet, the order of saves goes on after a reopen', async () => {
  const io = newDisk();
  const store = await open(io);
  const saves = await Promise.all(Array.from({ length: 8 }, (_, i) => store.save(id(3), source(bytes(300_000, i)))));
  expect(new Set(saves.map((info) => info.id)).size).toBe(8);
  await store.close();
  const again = await open(io);
  const last = await again.save(id(3), source(bytes(3)));
  expect((await again.latest())?.id).toBe(last.id);
  for (const [i, info] of saves.entries()) {
    expect((await contentOf(again.open(info.id))).equals(bytes(300_000, i))).toBe(true);
  }
});

test('a source may reuse its buffer', async () => {
  const store = await open(newDisk());
  const info = await store.save(
    id(1),
    (async function* () {
      const buffer = new Uint8Array(100_000);
      for (let i = 0; i < 5; i++) yield buffer.fill(i);
    })(),
  );
  const content = await contentOf(store.open(info.id));
  expect([0, 100_000, 200_000, 300_000, 400_000].map((at) => content[at])).toEqual([0, 1, 2, 3, 4]);
});

test('a failing, aborted or senseless source leaves nothing, and its own error comes through', async () => {
  const io = newDisk();
  const store = await open(io);
  const own = new Error('own');
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes(400_000);
    throw own;
  };
  await expect(store.save(id(1), failing())).rejects.toBe(own);
  const hanging = (): AsyncIterable<Uint8Array> => ({
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
  });
  const controller = new AbortController();
  const aborted = codeOf(store.save(id(1), hanging(), { signal: controller.signal }));
  await sleep(5);
  controller.abort();
  expect(await aborted).toBe('ABORTED');
  expect(await codeOf(store.save(id(1), source(), { signal: AbortSignal.abort() }))).toBe('ABORTED');
  const senseless = async function* (): AsyncGenerator<Uint8Array> {
    yield 'text' as unknown as Uint8Array;
  };
  expect(await codeOf(store.save(id(1), senseless()))).toBe('INVALID_ARGUMENT');
  expect(await codeOf(store.save(id(1), [] as unknown as AsyncIterable<Uint8Array>))).toBe('INVALID_ARGUMENT');
  expect(io.files(directory)).toEqual([]);
  expect(await store.list()).toEqual([]);
});

test('an aborted save tells its source to stop', async () => {
  const store = await open(newDisk());
  const controller = new AbortController();
  let stopped = false;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield bytes(10);
        await sleep(1);
      }
    } finally {
      stopped = true;
    }
  };
  const save = codeOf(store.save(id(1), endless(), { signal: controller.signal }));
  await sleep(10);
  controller.abort();
  expect(await save).toBe('ABORTED');
  await sleep(10);
  expect(stopped).toBe(true);
});

test.each([
  { what: 'index 0', meta: { lastIncluded: { index: 0, term: 1 } }, code: 'INVALID_ARGUMENT' },
  { what: 'a fraction', meta: { lastIncluded: { index: 1.5, term: 1 } }, code: 'INVALID_ARGUMENT' },
  { what: 'an unsafe term', meta: { lastIncluded: { index: 1, term: 2 ** 53 } }, code: 'INVALID_ARGUMENT' },
  { what: 'no lastIncluded', meta: { lastIncluded: undefined }, code: 'INVALID_ARGUMENT' },
  { what: 'nothing', meta: undefined, code: 'INVALID_ARGUMENT' },
  { what: 'text as context', meta: { ...id(1), context: 'text' }, code: 'INVALID_ARGUMENT' },
  { what: 'a large context', meta: { ...id(1), context: new Uint8Array(1024 * 1024 + 1) }, code: 'TOO_LARGE' },
])('a snapshot described by $what: $code', async ({ meta, code }) => {
  const io = newDisk();
  const store = await open(io);
  expect(await codeOf(store.save(meta as never, source()))).toBe(code);
  expect(io.files(directory)).toEqual([]);
});

test('unknown and senseless ids and counts', async () => {
  const store = await open(newDisk());
  for (const unknown of ['', 'x', '../../etc/passwd', '0000000000000001-0000000000000001-0000000000000001']) {
    expect(await errorOf(store.remove(unknown))).toMatchObject({ code: 'NOT_FOUND', details: { snapshotId: unknown } });
    expect(await codeOf(contentOf(store.open(unknown)))).toBe('NOT_FOUND');
  }
  expect(await codeOf(store.remove(7 as unknown as string))).toBe('INVALID_ARGUMENT');
  expect(await codeOf(contentOf(store.open(undefined as unknown as string)))).toBe('INVALID_ARGUMENT');
  for (const count of [0, -1, 1.5, Number.NaN]) expect(await codeOf(store.retain(count))).toBe('INVALID_ARGUMENT');
});

test('remove and retain are durable, and a removed snapshot that is being read is read to its end', async () => {
  const where = temporaryDirectory();
  const store = await open(nodeFileIo, where);
  const content = bytes(900_000);
  const infos: SnapshotInfo[] = [];
  for (let index = 1; index <= 5; index++) infos.push(await store.save(id(index), source(content)));
  const reader = store.open(infos[4]?.id ?? '')[Symbol.asyncIterator]();
  const first = await reader.next();
  await store.remove(infos[4]?.id ?? '');
  await store.retain(2);
  expect((await store.list()).map((info) => info.lastIncluded.index)).toEqual([4, 3]);
  expect(readdirSync(where)).toHaveLength(2);
  const rest = await contentOf({ [Symbol.asyncIterator]: () => reader });
  expect(Buffer.concat([first.value ?? new Uint8Array(), rest]).equals(content)).toBe(true);
  await store.retain(7);
  expect(await store.list()).toHaveLength(2);
  await store.close();
});

test('what was removed does not come back after a power cut', async () => {
  const io = newDisk();
  const store = await open(io);
  for (let index = 1; index <= 3; index++) await store.save(id(index), source(bytes(10)));
  await store.remove((await store.latest())?.id ?? '');
  const removed = await open(io.clone().powerCut({ mode: 'synced' }));
  expect((await removed.list()).map((info) => info.lastIncluded.index)).toEqual([2, 1]);
  await store.retain(1);
  const retained = await open(io.powerCut({ mode: 'synced' }));
  expect((await retained.list()).map((info) => info.lastIncluded.index)).toEqual([2]);
});

test('close ends saves and readers with CLOSED, frees their files and leaves no litter', async () => {
  const where = temporaryDirectory();
  const store = await open(nodeFileIo, where);
  const info = await store.save(id(1), source(bytes(900_000)));
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) yield bytes(1000);
  };
  const saving = codeOf(store.save(id(2), endless()));
  const reader = store.open(info.id)[Symbol.asyncIterator]();
  await reader.next();
  await sleep(20);
  await Promise.all([store.close(), store.close()]);
  expect(await saving).toBe('CLOSED');
  expect(readdirSync(where)).toEqual([`${info.id}.snap`]);
  const descriptors = readdirSync('/proc/self/fd').length;
  expect(await codeOf(reader.next())).toBe('CLOSED');
  expect(readdirSync('/proc/self/fd').length).toBe(descriptors);
  for (const call of [
    () => store.save(id(1), source()),
    () => store.list(),
    () => store.latest(),
    () => store.remove(info.id),
    () => store.retain(1),
    () => contentOf(store.open(info.id)),
  ]) {
    expect(await codeOf(call())).toBe('CLOSED');
  }
});

test('open removes what unfinished saves left, and nothing else', async () => {
  const where = temporaryDirectory();
  const temporary = '0000000000000001-0000000000000001-0000000000000001.tmp';
  for (const name of [temporary, 'notes.tmp', 'notes.txt', 'odd.snap']) writeFileSync(join(where, name), 'x');
  const store = await open(nodeFileIo, where);
  expect(readdirSync(where).sort()).toEqual(['notes.tmp', 'notes.txt', 'odd.snap']);
  expect(await store.list()).toEqual([]);
});

test('a missing directory is an empty store, and made by the first save', async () => {
  const io = new LossyFileIo({ directories: ['/data'] });
  const store = await open(io);
  expect(await store.latest()).toBeUndefined();
  expect(await io.kind(directory)).toBeUndefined();
  const info = await store.save(id(1), source(bytes(10)));
  expect(await (await open(io.powerCut({ mode: 'synced' }))).latest()).toEqual(info);
});

test('32 MiB pass through in bounded memory', async () => {
  const store = await open(nodeFileIo, temporaryDirectory());
  const chunk = bytes(64 * 1024);
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 512; i++) yield chunk;
  };
  const before = process.memoryUsage().arrayBuffers;
  const info = await store.save(id(1), chunks());
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  let size = 0;
  for await (const part of store.open(info.id)) size += part.byteLength;
  expect(size).toBe(32 * 1024 * 1024);
});
