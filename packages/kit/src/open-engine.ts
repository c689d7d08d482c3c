import { type Capabilities, type Durability, type FileIo, StorageError } from '@raftlog/core';
import { invalidArgument } from './argument.ts';
import type { BlockStore, BlockStoreContext, OpenedBlocks } from './block-store.ts';
import type { AdaptorDefinition } from './define-adaptor.ts';
import { Diagnostics } from './diagnostics.ts';
import { type EngineDirectory, openEngineDirectory } from './directory/engine-directory.ts';
import { HardStateFiles } from './directory/hard-state-files.ts';
import { Witness } from './directory/witness.ts';
import { Engine, type KitStorageEngine } from './engine.ts';
import { MAX_BLOCK_BYTES } from './format/block.ts';
import { BufferPool } from './format/buffer-pool.ts';
import { BlockCodec } from './format/compression.ts';
import { encodeHeader } from './format/header.ts';
import { toStorageError } from './io/io-errors.ts';
import { nodeFileIo } from './io/node-file-io.ts';
import { Log } from './log/log.ts';
import { LogReader } from './log/log-reader.ts';
import { Reclaimer } from './log/reclaimer.ts';
import { recoverLog } from './log/recovery.ts';
import { Repairer } from './log/salvage.ts';
import { StoredBlocks } from './log/stored-blocks.ts';
import { Writer } from './log/writer.ts';
import { type EngineOptions, resolveOptions, type StoreOptions } from './options.ts';
import { SnapshotFiles } from './snapshots/snapshot-files.ts';

const DEFAULT_MAX_ENTRY_BYTES = 64 * 1024 * 1024;

/** Opens an engine of an adaptor: directory, hard state, store; judges what was found; mends; serves. */
export async function openEngine<Options extends StoreOptions>(
  definition: AdaptorDefinition<Options>,
  options: Options,
): Promise<KitStorageEngine> {
  const began = performance.now();
  const resolved = resolveOptions(options);
  const durability = chosenDurability(definition, options);
  if (resolved.salvage && !offersSalvage(definition)) {
    throw new StorageError(
      'UNSUPPORTED',
      `${definition.name} can't open a damaged log in part. Restore a backup, or rebuild this node from its peers.`,
      {
        feature: "onCorruption: 'salvage'",
      },
    );
  }
  definition.checkOptions?.(options);
  const codec = new BlockCodec(resolved.compression);
  const diagnostics = new Diagnostics(definition.name);
  const failure = new AbortController();
  const cleanups: (() => Promise<void>)[] = [];
  try {
    const place =
      definition.remote === undefined ? await openPlace(definition.name, options, diagnostics, cleanups) : undefined;
    const hardState = place?.hardState ?? (await definition.remote?.hardState(options));
    if (hardState === undefined) throw invalidArgument('definition', definition.name, 'complete');
    if (place === undefined) cleanups.push(() => hardState.close());

    const context: BlockStoreContext = {
      directory: place?.directory.blocks ?? '',
      fileIo: place?.io ?? nodeFileIo,
      create: place?.directory.created ?? true,
      buffered: durability === 'buffered',
      salvage: resolved.salvage,
      witnessedSequence: place?.witness.recorded?.sequence ?? 0,
      failure: failure.signal,
      backgroundFailure: (operation, error) => reportBackgroundFailure(diagnostics, operation, error),
    };
    const store = definition.blockStore(options, context);
    cleanups.push(() => store.close());
    const found = await store.open();
    const isNew = found.header === undefined && (context.create || place === undefined);
    const firstHeader = isNew ? headerOfNew(found) : undefined;
    const opened = firstHeader === undefined ? found : { ...found, header: firstHeader };
    const pool = definition.keepsNoBlocks ? new BufferPool(MAX_BLOCK_BYTES) : undefined;
    const blocks = new StoredBlocks(store, codec, resolved.cacheBytes, pool);
    const recovered = await recoverLog({
      opened,
      blocks,
      witness: place?.witness.recorded,
      hardState,
      salvage: resolved.salvage,
    });
    const lowest = await lowestKey(store, recovered.state.firstIndex);
    // Only now, when nothing is left that could refuse the directory, is anything mended in it.
    await store.settle?.();
    await place?.hardState.settle();
    if (firstHeader !== undefined) await store.commit({ sequence: 1, put: [], header: firstHeader });
    if (firstHeader !== undefined && context.buffered) await store.sync?.();
    const snapshots =
      place === undefined ? await definition.remote?.snapshots(options) : await openSnapshots(place, diagnostics);
    if (snapshots === undefined) throw invalidArgument('definition', definition.name, 'complete');
    let snapshotsClosed: Promise<void> | undefined;
    const closeSnapshots = (): Promise<void> => {
      snapshotsClosed ??= snapshots.close();
      return snapshotsClosed;
    };
    cleanups.push(closeSnapshots);
    await place?.directory.completeCreation();

    const { state } = recovered;
    if (durability === 'volatile') state.durableIndex = 0;
    const maxEntryBytes = definition.maxEntryBytes ?? DEFAULT_MAX_ENTRY_BYTES;
    const writer: Writer = new Writer({
      store,
      blocks,
      codec,
      pool,
      hardState,
      witness: place?.witness,
      state,
      durability,
      maxPendingBytes: resolved.maxPendingBytes,
      maxCommitBytes: definition.maxCommitBytes ?? Number.POSITIVE_INFINITY,
      sequence: recovered.sequence,
      diagnostics,
      failure,
      onCommitted: (batch, milliseconds) => reclaimer.committed(batch, milliseconds),
    });
    if (state.damaged.length === 0 && state.lastIndex >= state.firstIndex) {
      await blocks.warm(state.firstIndex, state.lastIndex).catch((error: unknown) => {
        // What could not be read is told to whoever asks for it; the engine is open by now.
        reportBackgroundFailure(diagnostics, 'read the end of the log ahead', error);
      });
    }
    const reclaimer = new Reclaimer(state, writer, diagnostics, lowest);
    const reader = new LogReader(state, blocks, writer, diagnostics);
    const log = new Log({
      state,
      writer,
      reader,
      repairer: offersSalvage(definition)
        ? new Repairer(state, writer, maxEntryBytes, recovered.damagedKeys)
        : undefined,
      durability,
      maxEntryBytes,
      hardState: hardState.current?.state,
      onPurge: () => blocks.cache.dropThrough(state.firstIndex - 1),
    });
    // From now on the directory says what is damaged, until all of it is repaired: a plain open must not serve it. And where nothing is, or
    // nothing any more, it says that.
    if (resolved.salvage) await writer.commitState(recovered.removeFrom);
    reclaimer.schedule(state.firstIndex - 1);

    const notices = place?.notices ?? [];
    diagnostics.publish('recovery', diagnostics.start('recovery') === undefined ? undefined : began, {
      firstIndex: state.firstIndex,
      lastIndex: state.lastIndex,
      discardedBytes: opened.discardedBytes ?? 0,
      notices,
    });
    return new Engine({
      log,
      snapshots,
      capabilities: capabilitiesOf(definition, durability, maxEntryBytes, resolved.maxPendingBytes),
      failure: failure.signal,
      stats: () => ({
        commits: writer.counters.commits,
        syncs: writer.counters.syncs,
        entriesWritten: writer.counters.entries,
        blocksWritten: writer.counters.blocks,
        bytesWritten: writer.counters.bytes,
        storeReads: blocks.reads,
        cacheBytes: blocks.cache.bytes,
        pendingBytes: writer.pendingBytes,
        recovery: { discarded: opened.discardedBytes ?? 0, notices },
      }),
      close: async () => {
        reclaimer.stop();
        // Both refuse new calls from now on, in this turn; accepted writes go on.
        const drained = writer.drain();
        // A failure of either is told when all is freed.
        await Promise.allSettled([closeSnapshots(), drained]);
        await reader.idle();
        await closeAll(writer, place?.witness, cleanups);
      },
    });
  } catch (error) {
    await runAll(cleanups);
    throw toStorageError(error, 'open the engine');
  }
}

/** What an engine with a directory has besides its blocks. */
interface Place {
  readonly directory: EngineDirectory;
  readonly io: FileIo;
  readonly hardState: HardStateFiles;
  readonly witness: Witness;
  readonly notices: readonly string[];
}

async function openPlace(
  adaptor: string,
  options: Partial<EngineOptions>,
  diagnostics: Diagnostics,
  cleanups: (() => Promise<void>)[],
): Promise<Place> {
  const io = options.fileIo ?? nodeFileIo;
  const onFailure = (operation: string, error: unknown): void => reportBackgroundFailure(diagnostics, operation, error);
  const directory = await openEngineDirectory({ directory: options.directory ?? '', adaptor, io, blocks: true });
  cleanups.push(() => directory.release());
  const { path, created } = directory;
  const hardState = await (created ? HardStateFiles.create(path, io) : HardStateFiles.open(path, io));
  cleanups.push(() => hardState.close());
  const witness = await (created ? Witness.create(path, io, onFailure) : Witness.open(path, io, onFailure));
  cleanups.push(() => witness.close(false));
  const notices: string[] = [];
  if (hardState.healed !== undefined)
    notices.push(`a damaged copy of the hard state was replaced: ${hardState.healed}`);
  if (witness.damaged)
    notices.push('the witness was damaged or missing: the end of the log was not checked against it');
  return { directory, io, hardState, witness, notices };
}

function openSnapshots({ directory, io }: Place, diagnostics: Diagnostics): Promise<SnapshotFiles> {
  return SnapshotFiles.open(directory.snapshots, io, {
    onFailure: (operation, error) => reportBackgroundFailure(diagnostics, operation, error),
  });
}

/** The header of the first commit, which a new store gets at once: so a store that has none is known to have lost everything. */
function headerOfNew({ lastIndex }: OpenedBlocks): Uint8Array {
  if (lastIndex !== undefined) {
    throw new StorageError(
      'CORRUPTION',
      `The store has entries up to ${lastIndex} but no header. Restore it from a backup.`,
      {
        lostRange: { first: 1, last: lastIndex },
      },
    );
  }
  return encodeHeader({
    sequence: 1,
    boundary: undefined,
    lastLogId: undefined,
    hardStateSequence: 0,
    damaged: false,
  });
}

/** Where a purge that was interrupted has to go on: the lowest key that is left, if it lies below the log. */
async function lowestKey(store: BlockStore, firstIndex: number): Promise<number | undefined> {
  return firstIndex === 1 ? undefined : (await store.readBlocks(1, 1, 1))[0]?.key;
}

async function closeAll(
  writer: Writer,
  witness: Witness | undefined,
  cleanups: readonly (() => Promise<void>)[],
): Promise<void> {
  const failures: unknown[] = [];
  // A poisoned engine writes nothing more; whether the rest can be freed must not depend on it.
  if (writer.failed === undefined) await writer.syncAtClose().catch((error: unknown) => failures.push(error));
  await witness?.close(writer.failed === undefined && failures.length === 0);
  failures.push(...(await runAll(cleanups)));
  if (failures.length > 0) throw toStorageError(failures[0], 'close the engine');
}

/** Runs all, last registered first, whatever fails. */
async function runAll(cleanups: readonly (() => Promise<void>)[]): Promise<unknown[]> {
  const failures: unknown[] = [];
  for (const cleanup of cleanups.toReversed()) {
    try {
      await cleanup();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

function chosenDurability<Options extends StoreOptions>(
  definition: AdaptorDefinition<Options>,
  options: Partial<EngineOptions>,
): Durability {
  const chosen = options.durability ?? definition.durability[0] ?? 'sync';
  if (definition.durability.includes(chosen)) return chosen;
  if (chosen !== 'buffered' && chosen !== 'sync') throw invalidArgument('durability', chosen, "'sync' or 'buffered'");
  throw new StorageError(
    'UNSUPPORTED',
    `${definition.name} can't honestly offer durability '${chosen}'; it offers ${definition.durability.join(', ')}.`,
    { feature: `durability: ${chosen}` },
  );
}

function capabilitiesOf<Options extends StoreOptions>(
  definition: AdaptorDefinition<Options>,
  durability: Durability,
  maxEntryBytes: number,
  maxPendingBytes: number,
): Capabilities {
  const hasDirectory = definition.remote === undefined;
  return {
    adaptor: definition.name,
    durability,
    exclusive: hasDirectory,
    salvage: offersSalvage(definition),
    maxEntryBytes,
    maxPendingBytes,
  };
}

function offersSalvage<Options extends StoreOptions>(definition: AdaptorDefinition<Options>): boolean {
  return definition.remote === undefined && definition.salvage !== false;
}

function reportBackgroundFailure(diagnostics: Diagnostics, operation: string, error: unknown): void {
  diagnostics.publish('background-failure', diagnostics.start('background-failure'), { operation, error });
}
