import { FileStorageEngine } from '@raftlog/adaptor-file';
import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import type { StorageEngine } from '@raftlog/core';
import type { BuildOptions } from '@raftlog/core/conformance';
import { type BlockStore, type BlockStoreContext, defineAdaptor, type EngineOptions, nodeFileIo } from '@raftlog/kit';
import { JournalBlocks } from './journal-blocks.ts';
import type { Host, Mutation } from './mutant.ts';
import { override } from './override.ts';

type JournalOptions = EngineOptions & { readonly makeBlocks: (context: BlockStoreContext) => BlockStore };

const JournalStorageEngine = defineAdaptor<JournalOptions>({
  name: '@raftlog/suite-proof',
  durability: ['sync', 'buffered'],
  blockStore: ({ makeBlocks }, context) => makeBlocks(context),
});

/** Opens the host with the mutation in it. The twin goes the same way, with nothing replaced. */
export async function openEngine(
  host: Host,
  mutation: Mutation,
  directory: string,
  options: BuildOptions = {},
): Promise<StorageEngine> {
  const makeBlocks = mutation.blockStore ?? ((context) => new JournalBlocks(context));
  const open = async ({ small, fileIo = nodeFileIo, ...others }: BuildOptions): Promise<StorageEngine> => {
    const io = mutation.fileIo?.(fileIo) ?? override(fileIo, {});
    const engineOptions = { ...others, directory, fileIo: io, ...(small ? { cacheBytes: 4096 } : {}) };
    if (host === 'journal') return JournalStorageEngine.open({ ...engineOptions, makeBlocks });
    if (host === 'file')
      return FileStorageEngine.open({ ...engineOptions, ...(small ? { segmentBytes: 65_536 } : {}) });
    const { maxPendingBytes } = others;
    return MemoryStorageEngine.open(maxPendingBytes === undefined ? {} : { maxPendingBytes });
  };
  const engine = await (mutation.open?.(open, options, directory) ?? open(options));
  return mutation.engine?.(engine) ?? override(engine, {});
}
