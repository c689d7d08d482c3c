import {
  type Entry,
  encodedEntryBytes,
  type LogId,
  type SnapshotInfo,
  type StorageEngine,
  StorageError,
} from '@raftlog/core';
import { invalidArgument } from './argument.ts';

// Copied and compared in pieces of this size: the bound on the memory that a copy takes.
const CHUNK_BYTES = 4 * 1024 * 1024;

/** What {@link copyStore} copied. */
export interface CopyReport {
  readonly entries: number;
  /** Bytes of the entries' data. */
  readonly bytes: number;
  readonly boundary: LogId | undefined;
  readonly snapshots: number;
}

/**
 * Copies everything from one engine to another, of any adaptor: entries, purge boundary, hard state, snapshots. Then reads all of it back
 * from both and compares. Memory is bounded; nothing may be written to either engine meanwhile.
 *
 * The target must be new (`INVALID_ARGUMENT` otherwise). If it rejects, the target holds a part and is to be thrown away.
 */
export async function copyStore(from: StorageEngine, to: StorageEngine): Promise<CopyReport> {
  await checkTarget(to);
  const state = await from.metaStore.loadHardState();
  if (state !== undefined) await to.metaStore.saveHardState(state);

  const boundary = from.logStore.purgeBoundary;
  if (boundary !== undefined) await to.logStore.reset(boundary);
  let entries = 0;
  let bytes = 0;
  for await (const batch of batches(from)) {
    await to.logStore.persistEntries(batch);
    entries += batch.length;
    for (const entry of batch) bytes += entry.data.length;
  }
  await to.logStore.flush();

  // Oldest first: among equals the one that was saved last counts as the newest.
  const snapshots = (await from.snapshotStore.list()).reverse();
  for (const { id, lastIncluded, context } of snapshots) {
    await to.snapshotStore.save({ lastIncluded, context }, from.snapshotStore.open(id));
  }
  await verifyCopy(from, to);
  return { entries, bytes, boundary, snapshots: snapshots.length };
}

async function checkTarget({ logStore, metaStore, snapshotStore }: StorageEngine): Promise<void> {
  const isNew =
    logStore.lastLogId === undefined &&
    (await metaStore.loadHardState()) === undefined &&
    (await snapshotStore.list()).length === 0;
  if (!isNew)
    throw invalidArgument(
      'to',
      'an engine that holds something',
      'a new engine without entries, hard state and snapshots',
    );
}

async function* batches({ logStore }: StorageEngine): AsyncGenerator<Entry[]> {
  let batch: Entry[] = [];
  let bytes = 0;
  for await (const entry of logStore.entries()) {
    batch.push(entry);
    bytes += encodedEntryBytes(entry);
    if (bytes < CHUNK_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

async function verifyCopy(from: StorageEngine, to: StorageEngine): Promise<void> {
  const [stateThere, stateHere] = [await from.metaStore.loadHardState(), await to.metaStore.loadHardState()];
  if (stateThere?.currentTerm !== stateHere?.currentTerm || stateThere?.votedFor !== stateHere?.votedFor)
    throw differs('the hard state');
  const [boundaryThere, boundaryHere] = [from.logStore.purgeBoundary, to.logStore.purgeBoundary];
  if (boundaryThere?.index !== boundaryHere?.index || boundaryThere?.term !== boundaryHere?.term)
    throw differs('the purge boundary');
  const copied = to.logStore.entries()[Symbol.asyncIterator]();
  for await (const entry of from.logStore.entries()) {
    const { value, done } = await copied.next();
    if (done || !sameEntry(entry, value)) throw differs(`entry ${entry.index}`);
  }
  if (!(await copied.next()).done) throw differs('the end of the log');
  const [there, here] = [await from.snapshotStore.list(), await to.snapshotStore.list()];
  for (const [position, snapshot] of there.entries()) {
    const copy = here[position];
    const isSame =
      copy !== undefined &&
      sameInfo(snapshot, copy) &&
      (await sameBytes(from.snapshotStore.open(snapshot.id), to.snapshotStore.open(copy.id)));
    if (!isSame) throw differs(`snapshot ${snapshot.id}`);
  }
}

function sameEntry(a: Entry, b: Entry): boolean {
  return a.index === b.index && a.term === b.term && a.kind === b.kind && Buffer.compare(a.data, b.data) === 0;
}

/** Compares what is told of two snapshots, but for their ids, which each engine gives itself. */
function sameInfo(a: SnapshotInfo, b: SnapshotInfo): boolean {
  return (
    a.size === b.size &&
    a.lastIncluded.index === b.lastIncluded.index &&
    a.lastIncluded.term === b.lastIncluded.term &&
    Buffer.compare(a.context, b.context) === 0
  );
}

/** Compares two streams of equal length whose chunks need not be cut alike. */
async function sameBytes(a: AsyncIterable<Uint8Array>, b: AsyncIterable<Uint8Array>): Promise<boolean> {
  const others = b[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  for await (let chunk of a) {
    while (chunk.length > 0) {
      if (rest.length === 0) {
        const { value, done } = await others.next();
        if (done) return false;
        rest = value;
      }
      const length = Math.min(chunk.length, rest.length);
      if (Buffer.compare(chunk.subarray(0, length), rest.subarray(0, length)) !== 0) return false;
      chunk = chunk.subarray(length);
      rest = rest.subarray(length);
    }
  }
  return rest.length === 0;
}

function differs(what: string): StorageError<'CORRUPTION'> {
  return new StorageError(
    'CORRUPTION',
    `The copy differs from its source in ${what}. Throw the target away and copy again.`,
    {},
  );
}
