import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Block, type BlockStoreContext, nodeFileIo } from '@raftlog/kit';
import { RocksdbBlocks } from '../../src/rocksdb-blocks.ts';

/** The least there is: tables and compactions come within a few hundred KiB. */
export const SMALL = { writeBufferBytes: 1024 * 1024, blockCacheBytes: 0 };

/** A store in this thread, unopened. */
export function blocksIn(directory: string, context: Partial<BlockStoreContext> = {}): RocksdbBlocks {
  return new RocksdbBlocks(SMALL, {
    directory,
    fileIo: nodeFileIo,
    create: true,
    buffered: false,
    salvage: false,
    witnessedSequence: 0,
    failure: new AbortController().signal,
    backgroundFailure: () => {},
    ...context,
  });
}

export async function inTemporaryDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'raftlog-rocksdb-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** A block whose bytes say which commit put it. */
export function block(key: number, sequence: number, bytes = 100): Block {
  const text = `${key}@${sequence} `;
  return { key, bytes: Buffer.from(text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes), 'latin1') };
}

export function headerOf(sequence: number): Uint8Array {
  return Buffer.from(`header ${sequence}`);
}

/** Blocks as text, by key, for comparing. */
export function textOf(blocks: readonly Block[]): [number, string][] {
  return blocks.map(({ key, bytes }) => [key, Buffer.from(bytes).toString('latin1')]);
}
