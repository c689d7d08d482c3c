import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileIo } from '@raftlog/core';
import { type Block, type BlockStoreContext, type Commit, nodeFileIo, type OpenedBlocks } from '@raftlog/kit';
import { LmdbBlocks } from '../../src/lmdb-blocks.ts';
import type { LmdbSettings } from '../../src/lmdb-environment.ts';

/** A directory that is gone afterwards. */
export async function inTemporaryDirectory<Result>(work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'raftlog-lmdb-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A store as the kit makes it, and what it was opened with. */
export async function openBlocks(
  directory: string,
  create: boolean,
  { fileIo = nodeFileIo, ...settings }: Partial<LmdbSettings> & { readonly fileIo?: FileIo } = {},
): Promise<{ readonly blocks: LmdbBlocks; readonly opened: OpenedBlocks }> {
  const context: BlockStoreContext = {
    directory,
    fileIo,
    create,
    buffered: false,
    salvage: false,
    witnessedSequence: 0,
    failure: new AbortController().signal,
    backgroundFailure: (operation, error) => {
      throw new Error(operation, { cause: error });
    },
  };
  const blocks = new LmdbBlocks(context, { mapSize: 2 ** 30, pageSize: undefined, ...settings });
  return { blocks, opened: await blocks.open() };
}

/** A commit that puts blocks of these sizes, with ascending keys from `first` on. */
export function put(sequence: number, first: number, sizes: readonly number[], rest: Partial<Commit> = {}): Commit {
  return { sequence, put: sizes.map((size, i) => block(first + i, size)), header: header(sequence), ...rest };
}

export function block(key: number, size: number): Block {
  return { key, bytes: Buffer.alloc(size, `${key} `) };
}

export function header(sequence: number): Uint8Array {
  return Buffer.alloc(100, `header ${sequence} `);
}
