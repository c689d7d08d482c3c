import type { FileIo, StorageEngine } from '@raftlog/core';
import type { BuildOptions } from '@raftlog/core/conformance';
import type { BlockStore, BlockStoreContext } from '@raftlog/kit';

/**
 * The right engine that is broken.
 *
 * - `journal`: the kit over {@link JournalBlocks}, whose steps can be replaced one by one.
 * - `file`: the file adaptor.
 * - `memory`: the memory adaptor.
 */
export type Host = 'journal' | 'file' | 'memory';

/** What is broken: each part stands in for a right one. Without any it is the unbroken twin. */
export interface Mutation {
  /** The file system, as the engine sees it. */
  readonly fileIo?: (io: FileIo) => FileIo;
  /** The block store of a `journal`. */
  readonly blockStore?: (context: BlockStoreContext) => BlockStore;
  /** What an open does around the right one. */
  readonly open?: (
    open: (options: BuildOptions) => Promise<StorageEngine>,
    options: BuildOptions,
    directory: string,
  ) => Promise<StorageEngine>;
  /** The engine, as its callers see it. */
  readonly engine?: (engine: StorageEngine) => StorageEngine;
}

/** A storage engine that is broken in one way, and what must find it out. */
export interface Mutant {
  /** Unique, in kebab-case. */
  readonly name: string;
  /** What is broken, in a sentence. */
  readonly broken: string;
  /** Where this was seen in the field. */
  readonly seenIn?: string;
  readonly host: Host;
  readonly mutation: Mutation;
  /** The case that kills it: fails here and passes for the twin. */
  readonly killedBy: string;
  /** What the case says. A mutant that fails with anything else, such as a time limit, is not proved. */
  readonly failsWith: RegExp;
}
