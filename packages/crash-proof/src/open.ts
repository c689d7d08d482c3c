import { join } from 'node:path';
import { FileStorageEngine } from '@raftlog/adaptor-file';
import type { StorageEngine } from '@raftlog/core';
import type { BuildOptions } from '@raftlog/core/conformance';
import { defineAdaptor, type EngineOptions, nodeFileIo } from '@raftlog/kit';
import { brokenFileIo, type FileDefect } from './broken-file-io.ts';
import type { OrderedKeys } from './databases/ordered-keys.ts';
import { KeyBlocks, type KeyDefect } from './key-blocks.ts';

/** What the lab opens: named in the URL of this module, as `?host=lmdb&defect=no-sync`. */
const { searchParams } = new URL(import.meta.url);
const host = searchParams.get('host');
const defect = searchParams.get('defect') ?? undefined;

export async function open(
  directory: string,
  { small: _, fileIo: __, ...options }: BuildOptions,
): Promise<StorageEngine> {
  if (host === 'file') {
    const segmentBytes = 64 * 1024;
    const io = defect === undefined ? {} : { fileIo: brokenFileIo(nodeFileIo, defect as FileDefect) };
    return FileStorageEngine.open({ directory, segmentBytes, ...options, ...io });
  }
  const keys = await keysOf(host);
  const engine = defineAdaptor<EngineOptions>({
    name: `crash-proof-${host}`,
    durability: ['sync'],
    blockStore: (_options, context) => new KeyBlocks(keys, join(context.directory), defect as KeyDefect | undefined),
  });
  return engine.open({ directory, ...options });
}

/** Each in its own module: loading all of them takes its time. */
async function keysOf(name: string | null): Promise<OrderedKeys> {
  switch (name) {
    case 'level': {
      const { LevelKeys } = await import('./databases/level-keys.ts');
      return new LevelKeys();
    }
    case 'lmdb': {
      const { LmdbKeys } = await import('./databases/lmdb-keys.ts');
      return new LmdbKeys(defect === 'overlapping-sync');
    }
    case 'sqlite': {
      const { SqliteKeys } = await import('./databases/sqlite-keys.ts');
      return new SqliteKeys(defect === 'synchronous-normal' ? 'NORMAL' : 'FULL');
    }
    case 'rocksdb': {
      const { RocksdbKeys } = await import('./databases/rocksdb-keys.ts');
      return new RocksdbKeys();
    }
    default:
      throw new Error(`There is no host ${name}.`);
  }
}
