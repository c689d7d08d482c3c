import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Block, type BlockStoreContext, type Commit, nodeFileIo, type OpenedBlocks } from '@raftlog/kit';
import { LevelBlocks, type LevelSettings } from '../../src/level-blocks.ts';

const SETTINGS: LevelSettings = {
  writeBufferSize: 64 * 1024,
  cacheSize: 0,
  maxFileSize: 1024 * 1024,
  maxOpenFiles: 100,
  compression: false,
};

/** A store as the kit would make it. */
export class TestStore {
  readonly blocks: LevelBlocks;
  readonly opened: OpenedBlocks;
  readonly poison: AbortController;
  readonly backgroundFailures: unknown[];

  private constructor(blocks: LevelBlocks, opened: OpenedBlocks, poison: AbortController, failures: unknown[]) {
    this.blocks = blocks;
    this.opened = opened;
    this.poison = poison;
    this.backgroundFailures = failures;
  }

  static async open(
    directory: string,
    options: Partial<BlockStoreContext> = {},
    settings: Partial<LevelSettings> = {},
  ): Promise<TestStore> {
    const poison = new AbortController();
    const failures: unknown[] = [];
    const context: BlockStoreContext = {
      directory,
      fileIo: nodeFileIo,
      create: false,
      buffered: false,
      salvage: false,
      witnessedSequence: 0,
      failure: poison.signal,
      backgroundFailure: (_operation, error) => failures.push(error),
      ...options,
    };
    const blocks = new LevelBlocks(context, { ...SETTINGS, ...settings });
    try {
      return new TestStore(blocks, await blocks.open(), poison, failures);
    } catch (error) {
      await blocks.close();
      throw error;
    }
  }

  commit(commit: Commit): Promise<void> {
    return this.blocks.commit(commit);
  }

  /** Everything there is, by key. */
  async all(): Promise<Map<number, string>> {
    return asMap(await this.blocks.readBlocks(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
  }

  close(): Promise<void> {
    return this.blocks.close();
  }
}

export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'raftlog-level-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export function asMap(blocks: readonly Block[]): Map<number, string> {
  return new Map(blocks.map(({ key, bytes }) => [key, Buffer.from(bytes).toString('latin1')]));
}

/** The kit's header of a commit, as far as these tests go: its sequence. */
export function headerOf(sequence: number): Uint8Array {
  const bytes = Buffer.alloc(64, 'h');
  bytes.writeDoubleBE(sequence, 8);
  return bytes;
}

export function sequenceOf(header: Uint8Array | undefined): number {
  return header === undefined ? 0 : Buffer.from(header).readDoubleBE(8);
}

/** A block that says which commit put it. */
export function block(key: number, sequence: number, bytes = 100): Block {
  const text = `${key}@${sequence} `;
  return { key, bytes: Buffer.from(text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes), 'latin1') };
}

/** A commit that appends blocks with these keys. */
export function append(sequence: number, keys: readonly number[], bytes?: number): Commit {
  return { sequence, put: keys.map((key) => block(key, sequence, bytes)), header: headerOf(sequence) };
}
