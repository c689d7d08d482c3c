import type { FileIo } from '@raftlog/core';
import { LossyFileIo } from '@raftlog/core/conformance';
import type { Block, BlockStoreContext, Commit, OpenedBlocks } from '@raftlog/kit';
import { FileBlocks, type FileBlocksSettings } from '../../src/file-blocks.ts';

export const DIRECTORY = '/data/blocks';
const SEGMENT_BYTES: number = 64 * 1024;

/** A simulated disk with the store's directory on it. */
export function newDisk(): LossyFileIo {
  return new LossyFileIo({ directories: [DIRECTORY] });
}

export type StoreOptions = Partial<BlockStoreContext & FileBlocksSettings>;

/** A store as the kit would make it. Failures in the background are thrown by `close` unless they are expected. */
export class TestStore {
  readonly blocks: FileBlocks;
  readonly opened: OpenedBlocks;
  readonly backgroundFailures: { readonly operation: string; readonly error: unknown }[];

  private constructor(blocks: FileBlocks, opened: OpenedBlocks, failures: TestStore['backgroundFailures']) {
    this.blocks = blocks;
    this.opened = opened;
    this.backgroundFailures = failures;
  }

  static async open(fileIo: FileIo, options: StoreOptions = {}): Promise<TestStore> {
    const failures: TestStore['backgroundFailures'] = [];
    const context: BlockStoreContext = {
      directory: DIRECTORY,
      fileIo,
      create: false,
      buffered: false,
      salvage: false,
      witnessedSequence: 0,
      failure: new AbortController().signal,
      backgroundFailure: (operation, error) => failures.push({ operation, error }),
      ...options,
    };
    const { segmentBytes = SEGMENT_BYTES, nextSalt } = options;
    const blocks = new FileBlocks(context, { segmentBytes, ...(nextSalt === undefined ? {} : { nextSalt }) });
    try {
      const opened = await blocks.open();
      await blocks.settle();
      return new TestStore(blocks, opened, failures);
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

export function asMap(blocks: readonly Block[]): Map<number, string> {
  return new Map(blocks.map(({ key, bytes }) => [key, Buffer.from(bytes).toString('latin1')]));
}

/** The kit's header of a commit, as far as these tests go: its sequence. */
export function headerOf(sequence: number): Uint8Array {
  const bytes = new Uint8Array(64);
  new DataView(bytes.buffer).setFloat64(8, sequence);
  return bytes;
}

export function sequenceOf(header: Uint8Array | undefined): number {
  return header === undefined ? 0 : new DataView(header.buffer, header.byteOffset).getFloat64(8);
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
