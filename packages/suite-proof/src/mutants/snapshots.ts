import { isStorageError, type SnapshotInfo, type SnapshotStore, type StorageEngine, StorageError } from '@raftlog/core';
import type { Mutant } from '../mutant.ts';
import { override, overrideFiles } from '../override.ts';

/** Broken in how snapshots are kept. */
export const snapshotMutants: readonly Mutant[] = [
  {
    name: 'snapshot-visible-before-complete',
    broken: 'A snapshot shows while it is still being written; where the source fails, a part of it stays.',
    host: 'memory',
    mutation: {
      engine: (engine) => overrideSnapshots(engine, (store) => ({ save: (...save) => visiblySave(store, ...save) })),
    },
    killedBy: 'I66-source-fails',
    failsWith: /list\(\)/,
  },
  {
    name: 'snapshot-litter',
    broken: 'What a save wrote before it failed is never removed.',
    host: 'journal',
    mutation: {
      fileIo: (io) => override(io, { remove: async (path) => (path.endsWith('.tmp') ? undefined : io.remove(path)) }),
    },
    killedBy: 'I66-no-litter',
    failsWith: /files that were left: .*\.tmp/,
  },
  {
    name: 'snapshot-litter-after-a-crash',
    broken: 'What a save had written when the process was killed is never removed.',
    host: 'journal',
    mutation: {
      fileIo: (io) =>
        override(io, {
          list: async (path) => {
            const names = await io.list(path);
            return path.endsWith('snapshots') ? names.filter((name) => !name.endsWith('.tmp')) : names;
          },
        }),
    },
    killedBy: 'I66-power-cut',
    failsWith: /files that a save or a removal which the crash cut short has left/,
  },
  {
    name: 'snapshot-written-behind',
    broken: 'A save resolves when the snapshot is in the memory of the process, and writes it a little later.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideSnapshots(engine, (store) => ({
          async save(meta, source, options) {
            const chunks: Uint8Array[] = [];
            for await (const chunk of source) chunks.push(chunk.slice());
            setTimeout(() => store.save(meta, from(chunks), options).catch(() => {}), 50);
            const size = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
            return { id: 'soon', lastIncluded: meta.lastIncluded, context: new Uint8Array(), size };
          },
        })),
    },
    killedBy: 'G52-killed-process',
    failsWith: /kill \d+ \(seed \d+\): snapshot \d+ was saved and is gone/,
  },
  {
    name: 'snapshot-abort-waits-for-the-source',
    broken: 'A save looks at its signal only when its source gives something: one that hangs is never given up.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideSnapshots(engine, (store) => ({
          save: (meta, source, options) => store.save(meta, unlessAborted(source, options?.signal)),
        })),
    },
    killedBy: 'I66-source-hangs',
    failsWith: /the save ends when its signal fires/,
  },
  {
    name: 'snapshot-read-never-aborted',
    broken: 'The signal of a reader is ignored: a transfer that was given up goes on to its end.',
    host: 'memory',
    mutation: { engine: (engine) => overrideSnapshots(engine, (store) => ({ open: (id) => store.open(id) })) },
    killedBy: 'I66-open-aborted',
    failsWith: /reading with a signal that has fired was to be refused with ABORTED, but it succeeded/,
  },
  {
    name: 'snapshot-not-synced',
    broken:
      'A snapshot is renamed into place before its bytes are on the disk: the log is purged through one that is gone.',
    host: 'journal',
    mutation: { fileIo: (io) => overrideFiles(io, /snapshots/, () => ({ datasync: async () => {} })) },
    killedBy: 'I66-power-cut',
    failsWith: /the snapshot of \d+ bytes is gone|damaged/,
  },
  {
    name: 'damaged-snapshot-ends-early',
    broken: 'Where a snapshot is damaged its content just ends, as if that were all.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideSnapshots(engine, (store) => ({
          async *open(...snapshot) {
            try {
              yield* store.open(...snapshot);
            } catch (error) {
              if (!isStorageError(error, 'CORRUPTION')) throw error;
            }
          },
        })),
    },
    killedBy: 'I67-damaged',
    failsWith: /it was read to its end without an error/,
  },
  {
    name: 'removed-snapshot-breaks-its-reader',
    broken: 'A snapshot that is removed while it is read fails with whatever the file system says.',
    host: 'memory',
    mutation: {
      engine(engine) {
        let isRemoved = false;
        return overrideSnapshots(engine, (store) => ({
          async *open(...snapshot) {
            for await (const chunk of store.open(...snapshot)) {
              if (isRemoved) throw Object.assign(new Error('EBADF: bad file descriptor'), { code: 'EBADF' });
              yield chunk;
            }
          },
          remove(id) {
            isRemoved = true;
            return store.remove(id);
          },
        }));
      },
    },
    killedBy: 'I70-removed-while-read',
    failsWith: /EBADF/,
  },
  {
    name: 'snapshot-gathered-in-memory',
    broken: 'A snapshot is read whole into memory before it is written.',
    host: 'journal',
    mutation: {
      engine: (engine) =>
        overrideSnapshots(engine, (store) => ({
          async save(meta, source, options) {
            const chunks: Uint8Array[] = [];
            for await (const chunk of source) chunks.push(chunk.slice());
            return store.save(meta, from(chunks), options);
          },
        })),
    },
    killedBy: 'I69-bounded-memory',
    failsWith: /MiB of buffers for a snapshot of/,
  },
  {
    name: 'unknown-snapshot-is-empty',
    broken: 'An unknown snapshot reads as one without content.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideSnapshots(engine, (store) => ({
          async *open(id, options) {
            if ((await store.list()).some((info) => info.id === id)) yield* store.open(id, options);
          },
        })),
    },
    killedBy: 'I65-unknown-id',
    failsWith: /was to be refused with NOT_FOUND, but it succeeded/,
  },
  {
    name: 'retention-keeps-the-oldest',
    broken: '`retain()` counts from the wrong end.',
    host: 'memory',
    mutation: {
      engine: (engine) =>
        overrideSnapshots(engine, (store) => ({
          async retain(count) {
            if (!Number.isSafeInteger(count) || count < 1) return store.retain(count);
            for (const { id } of (await store.list()).slice(0, -count)) await store.remove(id);
          },
        })),
    },
    killedBy: 'I68-retention',
    failsWith: /what is kept/,
  },
  {
    name: 'latest-is-the-last-saved',
    broken: 'The newest snapshot is the one that was saved last, not the one that covers most.',
    host: 'memory',
    mutation: {
      engine(engine) {
        let saved: SnapshotInfo | undefined;
        return overrideSnapshots(engine, (store) => ({
          async save(...save) {
            saved = await store.save(...save);
            return saved;
          },
          latest: async () => saved ?? store.latest(),
        }));
      },
    },
    killedBy: 'I65-newest-by-index',
    failsWith: /latest\(\)/,
  },
];

function overrideSnapshots(
  engine: StorageEngine,
  members: (store: SnapshotStore) => Partial<SnapshotStore>,
): StorageEngine {
  return override(engine, { snapshotStore: override(engine.snapshotStore, members(engine.snapshotStore)) });
}

async function* unlessAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const check = (): void => {
    if (signal?.aborted) throw new StorageError('ABORTED', 'The save was aborted.', {});
  };
  check();
  for await (const chunk of source) {
    check();
    yield chunk;
  }
  check();
}

/** Saves the first chunk as a snapshot of its own, which stays until the whole is there. */
async function visiblySave(
  store: SnapshotStore,
  ...[meta, source, options]: Parameters<SnapshotStore['save']>
): Promise<SnapshotInfo> {
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  const head = first.done === true ? [] : [first.value];
  const part = await store.save(meta, from(head));
  const whole = await store.save(meta, from(head, { [Symbol.asyncIterator]: () => chunks }), options);
  await store.remove(part.id);
  return whole;
}

async function* from(head: readonly Uint8Array[], rest?: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* head;
  if (rest !== undefined) yield* rest;
}
