import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import { isStorageError, StorageError } from '../../errors.ts';
import type { SnapshotInfo, SnapshotMeta } from '../../snapshot-store.ts';
import type { StorageEngine } from '../../storage-engine.ts';
import { collect, rejectsWith } from '../assertions.ts';
import type { ConformanceCase } from '../case.ts';
import { createTestData } from '../entries.ts';
import { awaitedLater, soon } from './awaited-later.ts';
import { patched } from './damaged-log.ts';
import { defineCases, ifDirectory } from './define-cases.ts';
import { placeImage, takeImage, withFile } from './place-image.ts';
import { contentOf, hangingSource, inChunks, saveSnapshot, snapshotContent } from './snapshot-content.ts';
import { snapshotCrashCases } from './snapshot-crashes.ts';

const snapshots = defineCases('snapshots');

/** Area I. */
export const snapshotCases: readonly ConformanceCase[] = [
  snapshots('I65-round-trip', 'a snapshot comes back byte for byte, with its metadata', async (context) => {
    const engine = await context.open({ small: true });
    assert.equal(await engine.snapshotStore.latest(), undefined, 'latest() of a new store');
    assert.deepEqual(await engine.snapshotStore.list(), [], 'list() of a new store');
    const saved: SnapshotInfo[] = [];
    const sizes = [0, 1, 65_535, 65_536, 65_537, 300_000];
    for (const [number, size] of sizes.entries()) {
      const context = number % 2 === 0 ? createTestData(number * 50, number) : undefined;
      const meta = { lastIncluded: { index: 10 * (number + 1), term: 1 + number }, ...(context && { context }) };
      const info = await engine.snapshotStore.save(meta, inChunks(snapshotContent(size), 7000 + number));
      assert.deepEqual({ ...info.lastIncluded }, meta.lastIncluded, 'lastIncluded');
      assert.equal(info.size, size, 'size');
      assert.deepEqual(Buffer.from(info.context), Buffer.from(context ?? []), 'context');
      saved.push(info);
    }
    await context.andAfterReopen(engine, async ({ snapshotStore }) => {
      assert.deepEqual(plain(await snapshotStore.latest()), plain(saved.at(-1)), 'latest()');
      assert.deepEqual((await snapshotStore.list()).map(plain), saved.map(plain).reverse(), 'list(), newest first');
      for (const info of saved) {
        assert.equal(
          Buffer.compare(await contentOf(snapshotStore, info.id), snapshotContent(info.size)),
          0,
          `content of ${info.size} bytes`,
        );
      }
    });
  }),
  snapshots(
    'I65-metadata',
    'a context of 1 MiB comes back; wrong metadata is refused, and leaves nothing',
    async (context) => {
      const engine = await context.open({ small: true });
      const save = (meta: SnapshotMeta) => engine.snapshotStore.save(meta, inChunks(snapshotContent(10), 5));
      const largest = createTestData(1024 * 1024, 3);
      const lastIncluded = { index: 4, term: 2 };
      const { id } = await save({ lastIncluded, context: largest });
      const tooLarge = { lastIncluded, context: new Uint8Array(1024 * 1024 + 1) };
      await rejectsWith('TOO_LARGE', save(tooLarge), 'a save with a context above 1 MiB');
      for (const wrong of [0, -1, 1.5, 2 ** 53]) {
        await rejectsWith(
          'INVALID_ARGUMENT',
          save({ lastIncluded: { index: wrong, term: 2 } }),
          `a save at index ${wrong}`,
        );
        await rejectsWith(
          'INVALID_ARGUMENT',
          save({ lastIncluded: { index: 4, term: wrong } }),
          `a save of term ${wrong}`,
        );
      }
      await context.andAfterReopen(engine, async ({ snapshotStore }) => {
        const [info, ...others] = await snapshotStore.list();
        assert.deepEqual([info?.id, others.length], [id, 0], 'list()');
        assert.equal(Buffer.compare(info?.context ?? new Uint8Array(0), largest), 0, 'the context');
      });
    },
  ),
  snapshots(
    'I65-newest-by-index',
    'the newest is the one with the highest last index, and among equals the one saved last',
    async (context) => {
      const engine = await context.open({ small: true });
      const ids: string[] = [];
      for (const [index, size] of [
        [20, 1],
        [10, 2],
        [20, 3],
        [15, 4],
      ] as const) {
        ids.push((await saveSnapshot(engine, index, size)).id);
      }
      await context.andAfterReopen(engine, async ({ snapshotStore }) => {
        const listed = (await snapshotStore.list()).map(({ id }) => id);
        assert.deepEqual(listed, [ids[2], ids[0], ids[3], ids[1]], 'order of list()');
        assert.equal((await snapshotStore.latest())?.id, ids[2], 'latest()');
      });
    },
  ),
  snapshots(
    'I65-log-is-apart',
    'snapshots and log leave each other alone, also through purge and reset',
    async (context) => {
      const engine = await context.open({ small: true });
      const info = await saveSnapshot(engine, 5, 1000);
      await engine.logStore.reset({ index: 5, term: 1 });
      await engine.logStore.reset();
      await context.andAfterReopen(engine, async ({ snapshotStore, logStore }) => {
        assert.equal(logStore.lastIndex, 0, 'lastIndex');
        assert.deepEqual(plain(await snapshotStore.latest()), plain(info), 'latest()');
      });
    },
  ),
  snapshots('I65-unknown-id', 'an unknown snapshot is NOT_FOUND, to open and to remove', async (context) => {
    const engine = await context.open({ small: true });
    for (const id of ['no-such-snapshot', '', '../hardstate.a', '1']) {
      await rejectsWith('NOT_FOUND', collect(engine.snapshotStore.open(id)), `open('${id}')`);
      await rejectsWith('NOT_FOUND', engine.snapshotStore.remove(id), `remove('${id}')`);
    }
    const { id } = await saveSnapshot(engine, 5, 10);
    await engine.snapshotStore.remove(id);
    await context.andAfterReopen(engine, async ({ snapshotStore }) => {
      await rejectsWith('NOT_FOUND', collect(snapshotStore.open(id)), 'open() of a removed one');
      await rejectsWith('NOT_FOUND', snapshotStore.remove(id), 'remove() of a removed one');
    });
  }),
  snapshots('I65-closed', 'every method rejects with CLOSED after close', async (context) => {
    const engine = await context.open({ small: true });
    const { id } = await saveSnapshot(engine, 5, 10);
    await engine.close();
    const store = engine.snapshotStore;
    await rejectsWith('CLOSED', saveSnapshot(engine, 6, 10), 'save()');
    await rejectsWith('CLOSED', store.latest(), 'latest()');
    await rejectsWith('CLOSED', store.list(), 'list()');
    await rejectsWith('CLOSED', collect(store.open(id)), 'open()');
    await rejectsWith('CLOSED', store.remove(id), 'remove()');
    await rejectsWith('CLOSED', store.retain(1), 'retain()');
  }),
  snapshots(
    'I66-source-fails',
    'a save whose source fails or that is aborted rejects with that, and leaves nothing',
    async (context) => {
      const engine = await context.open({ small: true });
      const kept = await saveSnapshot(engine, 5, 1000);
      const meta = { lastIncluded: { index: 9, term: 1 } };
      const broken = new Error('the source broke');
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield snapshotContent(200_000);
        throw broken;
      };
      await assert.rejects(
        engine.snapshotStore.save(meta, failing()),
        (error) => error === broken,
        'the error of the source',
      );
      const controller = new AbortController();
      const aborted = async function* (): AsyncGenerator<Uint8Array> {
        yield snapshotContent(200_000);
        controller.abort();
        yield snapshotContent(10);
      };
      await rejectsWith(
        'ABORTED',
        engine.snapshotStore.save(meta, aborted(), { signal: controller.signal }),
        'an aborted save',
      );
      const before = AbortSignal.abort();
      await rejectsWith(
        'ABORTED',
        engine.snapshotStore.save(meta, inChunks(snapshotContent(10), 5), { signal: before }),
        'a save aborted before',
      );
      assert.equal(engine.failure.aborted, false, 'the engine is not poisoned');
      await context.andAfterReopen(engine, async ({ snapshotStore }) => {
        assert.deepEqual((await snapshotStore.list()).map(plain), [plain(kept)], 'list()');
      });
    },
  ),
  snapshots(
    'I66-source-hangs',
    'a save whose source hangs ends at once when it is aborted or the engine is closed, and leaves nothing',
    async (context) => {
      let engine = await context.open({ small: true });
      const kept = await saveSnapshot(engine, 5, 1000);
      for (const way of ['abort', 'close'] as const) {
        const controller = new AbortController();
        const source = hangingSource();
        const meta = { lastIncluded: { index: 9, term: 1 } };
        const save = awaitedLater(engine.snapshotStore.save(meta, source.chunks, { signal: controller.signal }));
        await soon(source.hangs, 'the save asks its source for more');
        if (way === 'abort') {
          controller.abort();
          await soon(rejectsWith('ABORTED', save, 'the save'), 'the save ends when its signal fires');
          assert.equal(engine.failure.aborted, false, 'the engine is not poisoned');
        } else {
          await soon(engine.close(), 'close() ends, although the source of a save hangs');
          await soon(rejectsWith('CLOSED', save, 'the save'), 'the save ends when the engine is closed');
          if (context.capabilities.durability === 'volatile') return;
          engine = await context.open({ small: true });
        }
        assert.deepEqual((await engine.snapshotStore.list()).map(plain), [plain(kept)], `list() after the ${way}`);
      }
    },
  ),
  snapshots('I66-open-aborted', 'a snapshot is read no further than to the abort', async (context) => {
    const engine = await context.open({ small: true });
    const content = snapshotContent(2_500_000);
    const meta = { lastIncluded: { index: 5, term: 1 } };
    const { id } = await engine.snapshotStore.save(meta, inChunks(content, 100_000));
    const before = engine.snapshotStore.open(id, { signal: AbortSignal.abort() });
    await rejectsWith('ABORTED', collect(before), 'reading with a signal that has fired');
    const controller = new AbortController();
    let read = 0;
    const reading = (async () => {
      for await (const chunk of engine.snapshotStore.open(id, { signal: controller.signal })) {
        assert.ok(!controller.signal.aborted, 'a chunk is delivered after the abort');
        read += chunk.byteLength;
        controller.abort();
      }
      // Where all of it comes as one chunk there is nothing left to abort.
      if (read === content.byteLength) throw new StorageError('ABORTED', 'It was read to its end.', {});
    })();
    await rejectsWith('ABORTED', reading, 'reading that is aborted');
    assert.equal((await contentOf(engine.snapshotStore, id)).byteLength, content.byteLength, 'read again, to its end');
  }),
  snapshots(
    'I66-no-litter',
    'saves that failed leave no bytes behind',
    async (context) => {
      const engine = await context.open({ small: true });
      await saveSnapshot(engine, 5, 1000);
      await engine.close();
      const before = await takeImage(context.builder);
      const again = await context.open({ small: true });
      // More than a save may hold back in memory.
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        for (let part = 0; part < 8; part++) yield snapshotContent(500_000);
        throw new Error('the source broke');
      };
      for (let index = 6; index < 9; index++) {
        await again.snapshotStore.save({ lastIncluded: { index, term: 1 } }, failing()).catch(() => undefined);
      }
      await again.close();
      const litter = [...(await takeImage(context.builder)).files].filter(([path]) => !before.files.has(path));
      const bytes = litter.reduce((sum, [, content]) => sum + content.length, 0);
      // A log may make a small file meanwhile; 12 MB of snapshots it does not hold.
      assert.ok(bytes < 1_000_000, `files that were left: ${litter.map(([path]) => path).join(', ')}`);
    },
    { inapplicable: ifDirectory },
  ),
  snapshots(
    'I67-damaged',
    'a damaged snapshot is CORRUPTION when it is read, and the others stay readable',
    async (context) => {
      const engine = await context.open({ small: true });
      const older = await saveSnapshot(engine, 5, 150_000);
      const before = await takeImage(context.builder);
      const newest = await saveSnapshot(engine, 9, 150_001);
      await engine.close();
      const image = await takeImage(context.builder);
      const root = context.builder.directory ?? '';
      const named = (await context.builder.files?.snapshots?.())?.map((path) => relative(root, path)) ?? [];
      const fresh = named.filter((path) => !before.files.has(path));
      const [path = ''] = fresh;
      const bytes = image.files.get(path);
      assert.ok(
        fresh.length === 1 && bytes,
        `the builder names the file of the newest snapshot, not ${fresh.join(', ')}`,
      );
      for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
        for (const damaged of [patched(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ 1)), bytes.slice(0, at)]) {
          const place = await placeImage(context, withFile(image, path, damaged));
          const opened = await place.open();
          try {
            await checkDamaged(
              opened,
              newest,
              older,
              `${path} ${damaged.length < bytes.length ? 'cut' : 'changed'} at byte ${at}`,
            );
          } finally {
            await opened.close();
          }
        }
      }
    },
    {
      inapplicable: (subject) =>
        ifDirectory(subject) ??
        (subject.builder.files?.snapshots === undefined ? 'the builder names no files of its snapshots' : undefined),
    },
  ),
  snapshots('I68-retention', 'retain() keeps the newest and removes the others for good', async (context) => {
    const engine = await context.open({ small: true });
    const ids: string[] = [];
    for (let index = 1; index <= 6; index++) ids.push((await saveSnapshot(engine, index, 100 * index)).id);
    for (const count of [0, -1, 1.5, Number.NaN]) {
      await rejectsWith('INVALID_ARGUMENT', engine.snapshotStore.retain(count), `retain(${count})`);
    }
    await engine.snapshotStore.retain(10);
    assert.equal((await engine.snapshotStore.list()).length, 6, 'retain() of more than there are');
    await engine.snapshotStore.retain(2);
    await context.andAfterReopen(engine, async ({ snapshotStore }) => {
      assert.deepEqual(
        (await snapshotStore.list()).map(({ id }) => id),
        [ids[5], ids[4]],
        'what is kept',
      );
      assert.equal((await contentOf(snapshotStore, ids[5] ?? '')).length, 600, 'content of the newest');
    });
  }),
  snapshots(
    'I69-bounded-memory',
    'a snapshot goes in and out in memory that does not grow with it',
    async (context) => {
      const engine = await context.open();
      const [chunkBytes, chunks] = [256 * 1024, 512];
      const chunk = snapshotContent(chunkBytes);
      const [written, read] = [createHash('sha256'), createHash('sha256')];
      let peak = 0;
      const start = process.memoryUsage().arrayBuffers;
      const watch = (): void => {
        peak = Math.max(peak, process.memoryUsage().arrayBuffers - start);
      };
      const source = async function* (): AsyncGenerator<Uint8Array> {
        for (let number = 0; number < chunks; number++) {
          // The same buffer each time: what the source itself leaves to the collector would count as the engine's.
          chunk[0] = number;
          written.update(chunk);
          watch();
          yield chunk;
        }
      };
      const { id, size } = await engine.snapshotStore.save({ lastIncluded: { index: 3, term: 1 } }, source());
      assert.equal(size, chunkBytes * chunks, 'size');
      for await (const bytes of engine.snapshotStore.open(id)) {
        read.update(bytes);
        watch();
      }
      assert.equal(read.digest('hex'), written.digest('hex'), 'hash of 128 MiB');
      // What is garbage but not yet collected counts too: Node collects it about every 32 MiB.
      assert.ok(peak < 64 * 1024 * 1024, `${Math.round(peak / 1024 / 1024)} MiB of buffers for a snapshot of 128 MiB`);
    },
    { inapplicable: ifDirectory, timeoutMs: 60_000 },
  ),
  snapshots(
    'I70-removed-while-read',
    'a snapshot that is removed while it is read is read to its end, or ends with NOT_FOUND',
    async (context) => {
      const engine = await context.open({ small: true });
      const content = snapshotContent(2_000_000);
      const { id } = await engine.snapshotStore.save(
        { lastIncluded: { index: 4, term: 2 } },
        inChunks(content, 100_000),
      );
      const parts: Uint8Array[] = [];
      try {
        for await (const part of engine.snapshotStore.open(id)) {
          parts.push(part.slice());
          if (parts.length === 1) await engine.snapshotStore.remove(id);
        }
        assert.equal(Buffer.compare(Buffer.concat(parts), content), 0, 'what was read to the end');
      } catch (error) {
        if (!isStorageError(error, 'NOT_FOUND')) throw error;
        const read = Buffer.concat(parts);
        assert.equal(Buffer.compare(read, content.subarray(0, read.length)), 0, 'what was read before NOT_FOUND');
      }
      assert.deepEqual(await engine.snapshotStore.list(), [], 'list()');
    },
  ),
  ...snapshotCrashCases,
];

async function checkDamaged(
  { snapshotStore }: StorageEngine,
  newest: SnapshotInfo,
  older: SnapshotInfo,
  what: string,
): Promise<void> {
  assert.equal(
    Buffer.compare(await contentOf(snapshotStore, older.id), snapshotContent(older.size)),
    0,
    `${what}: the older one`,
  );
  const parts: Uint8Array[] = [];
  try {
    for await (const part of snapshotStore.open(newest.id)) parts.push(part.slice());
  } catch (error) {
    assert.ok(isStorageError(error, 'CORRUPTION'), `${what}: ${error} instead of CORRUPTION`);
    const read = Buffer.concat(parts);
    const right = snapshotContent(newest.size).subarray(0, read.length);
    assert.equal(Buffer.compare(read, right), 0, `${what}: what was delivered before the error`);
    return;
  }
  assert.fail(`${what}: it was read to its end without an error`);
}

function plain(info: SnapshotInfo | undefined): unknown {
  if (info === undefined) return undefined;
  const { id, lastIncluded, size } = info;
  return {
    id,
    lastIncluded: { index: lastIncluded.index, term: lastIncluded.term },
    size,
    context: Buffer.from(info.context).toString('hex'),
  };
}
