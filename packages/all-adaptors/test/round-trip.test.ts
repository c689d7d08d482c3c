import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStorageEngine } from '@raftlog/adaptor-file';
import { LevelStorageEngine } from '@raftlog/adaptor-level';
import { LmdbStorageEngine } from '@raftlog/adaptor-lmdb';
import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import { RocksdbStorageEngine } from '@raftlog/adaptor-rocksdb';
import { SqliteStorageEngine } from '@raftlog/adaptor-sqlite';
import type { Entry, SnapshotInfo, StorageEngine } from '@raftlog/core';
import { copyStore } from '@raftlog/kit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const engines = {
  file: (directory: string) => FileStorageEngine.open({ directory, segmentBytes: 256 * 1024 }),
  level: (directory: string) => LevelStorageEngine.open({ directory, compression: 'deflate' }),
  lmdb: (directory: string) => LmdbStorageEngine.open({ directory }),
  sqlite: (directory: string) => SqliteStorageEngine.open({ directory }),
  rocksdb: (directory: string) => RocksdbStorageEngine.open({ directory, compression: 'deflate' }),
} as const;
const names = Object.keys(engines) as (keyof typeof engines)[];

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'raftlog-round-trip-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Opens, works, closes. */
async function withEngine<Result>(
  name: keyof typeof engines,
  directory: string,
  work: (engine: StorageEngine) => Promise<Result>,
): Promise<Result> {
  const engine = await engines[name](join(root, directory));
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

/** Several terms, all kinds, empty and large data; a boundary, a vote, two snapshots. */
async function fill(engine: StorageEngine, count: number): Promise<void> {
  const kinds = ['noop', 'command', 'config'] as const;
  const entries: Entry[] = Array.from({ length: count }, (_, i) => ({
    index: i + 1,
    term: 1 + Math.floor((4 * i) / count),
    kind: kinds[i % 3] ?? 'noop',
    data: Buffer.alloc(i % 1_000 === 999 ? 200_000 : (i * 37) % 300, i % 251),
  }));
  const last = entries.at(-1)?.term ?? 1;
  await engine.metaStore.saveHardState({ currentTerm: last + 3, votedFor: 'nœud-1' });
  for (let from = 0; from < count; from += 500) await engine.logStore.persistEntries(entries.slice(from, from + 500));
  const purged = Math.floor(count / 10);
  const lastIncluded = { index: purged, term: entries[purged - 1]?.term ?? 1 };
  await engine.snapshotStore.save({ lastIncluded: { index: 1, term: 1 }, context: Buffer.from('older') }, content(3));
  await engine.snapshotStore.save({ lastIncluded, context: Buffer.from('newer') }, content(40));
  await engine.logStore.purge(lastIncluded);
}

async function* content(chunks: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < chunks; i++) yield Buffer.alloc(30_000, i);
}

/** All that a node could ask an engine for; snapshots without their ids, which are the engine's own. */
async function everything(engine: StorageEngine): Promise<object> {
  const { logStore, metaStore, snapshotStore } = engine;
  const hash = createHash('sha256');
  for await (const { index, term, kind, data } of logStore.entries()) {
    hash.update(`${index} ${term} ${kind} ${data.byteLength} `).update(data);
  }
  const snapshots: object[] = [];
  for (const info of await snapshotStore.list()) snapshots.push(await snapshotOf(engine, info));
  return {
    first: logStore.firstIndex,
    last: logStore.lastLogId,
    boundary: logStore.purgeBoundary,
    entries: hash.digest('hex'),
    hardState: await metaStore.loadHardState(),
    snapshots,
  };
}

async function snapshotOf(engine: StorageEngine, { id, lastIncluded, context, size }: SnapshotInfo): Promise<object> {
  const hash = createHash('sha256');
  for await (const chunk of engine.snapshotStore.open(id)) hash.update(chunk);
  return { lastIncluded, context: Buffer.from(context).toString(), size, content: hash.digest('hex') };
}

describe('copyStore', () => {
  test('a log goes through all adaptors and comes back the same', async () => {
    const path = [...names, 'file'] as const;
    const before = await withEngine('file', '0', async (engine) => {
      await fill(engine, 5_000);
      return everything(engine);
    });
    expect(before).toMatchObject({ first: 501, last: { index: 5_000, term: 4 }, boundary: { index: 500, term: 1 } });
    for (const [step, name] of path.entries()) {
      if (step === 0) continue;
      const from = path[step - 1] ?? 'file';
      await withEngine(from, String(step - 1), (source) =>
        withEngine(name, String(step), (target) => copyStore(source, target)),
      );
      expect(await withEngine(name, String(step), everything), `after ${from} to ${name}, reopened`).toEqual(before);
    }
  });

  test.for(names)('from %s to every other one', async (from) => {
    await withEngine(from, 'source', async (source) => {
      await fill(source, 300);
      const before = await everything(source);
      for (const to of names.filter((name) => name !== from)) {
        await withEngine(to, to, (target) => copyStore(source, target));
        expect(await withEngine(to, to, everything), to).toEqual(before);
      }
      const memory = await MemoryStorageEngine.open({});
      await copyStore(source, memory);
      expect(await everything(memory)).toEqual(before);
      await memory.close();
    });
  });
});
