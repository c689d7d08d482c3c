import { type IndexRange, isStorageError, type LogId, type StorageEngine } from '@raftlog/core';
import { type Configuration, decodeConfiguration, LogDescriber, type LogDescription } from '@raftlog/raft';
import { noteDamage } from './damage-note.ts';
import { NodeError } from './errors.ts';
import { type StateSnapshot, stateSnapshots } from './snapshot-context.ts';
import type { StateMachine } from './state-machine.ts';

/** What a node starts from. */
export interface RecoveredStorage {
  readonly log: LogDescription;
  readonly appliedIndex: number;
  /** The newest snapshot that holds a state. */
  readonly snapshot: StateSnapshot | undefined;
}

/** A joining node knows of no member, so it takes part in nothing, until the log or a snapshot tells. */
const UNKNOWN: Configuration = { voters: [], outgoing: [], learners: [], autoLeave: false };

/** Finishes what a crash has interrupted, restores the state machine, and describes the log. */
export async function recoverStorage(engine: StorageEngine, machine: StateMachine): Promise<RecoveredStorage> {
  const damagedThrough = await noteDamage(engine);
  const snapshots = await stateSnapshots(engine.snapshotStore);
  const [newest] = snapshots;
  if (newest !== undefined) await finishInstall(engine, newest.info.lastIncluded);
  const { base, appliedIndex: applied } = await restoreState(engine, machine, snapshots);
  const log = await describeLog(engine, base?.configuration, damagedThrough);
  if (applied > log.lastIndex) throw machineAhead(applied, log.lastIndex);
  return { log, appliedIndex: applied, snapshot: newest };
}

/**
 * A received snapshot is saved first, then the log is purged or reset (Raft paper, figure 13). After a crash between the two the log has another term
 * at that place, or ends before it: then it is of another history, or has nothing to add to the snapshot. Of an own snapshot the log always
 * holds the last entry, or was purged through it.
 */
async function finishInstall({ logStore }: StorageEngine, lastIncluded: LogId): Promise<void> {
  if (lastIncluded.index <= (logStore.purgeBoundary?.index ?? 0)) return;
  if (isDamaged(logStore.damagedRanges, lastIncluded.index)) return;
  if ((await logStore.termAt(lastIncluded.index)) !== lastIncluded.term) await logStore.reset(lastIncluded);
}

function isDamaged(ranges: readonly IndexRange[] | undefined, index: number): boolean {
  return ranges?.some(({ first, last }) => first <= index && index <= last) ?? false;
}

interface RestoredState {
  /** The snapshot that the state is based on. */
  readonly base: StateSnapshot | undefined;
  readonly appliedIndex: number;
}

/**
 * Bases the state on the newest snapshot that can be read, and from which the log leads on, unless the state machine is as far by itself. One that was restored
 * is where it stands, even if the state went back for it: what the machine had applied before is gone.
 */
async function restoreState(
  { logStore, snapshotStore }: StorageEngine,
  machine: StateMachine,
  snapshots: readonly StateSnapshot[],
): Promise<RestoredState> {
  const { lastApplied } = machine;
  const boundary = logStore.purgeBoundary?.index ?? 0;
  const usable = snapshots.filter(({ info }) => info.lastIncluded.index >= boundary);
  const [newest] = usable;
  if (newest === undefined && boundary > 0)
    throw damaged(`a snapshot of entry ${boundary} or a later one, where the log begins`);
  if (newest === undefined || lastApplied >= newest.info.lastIncluded.index)
    return { base: newest, appliedIndex: lastApplied };
  let cause: unknown;
  for (const snapshot of usable) {
    const { id, lastIncluded } = snapshot.info;
    try {
      await machine.restore(snapshotStore.open(id), lastIncluded);
      return { base: snapshot, appliedIndex: lastIncluded.index };
    } catch (error) {
      // Only what is damaged is passed over. Anything else would come back with the older one, or leave the state unlike that of the other nodes.
      if (!isStorageError(error, 'CORRUPTION')) throw error;
      cause ??= error;
    }
  }
  throw damaged('a snapshot that can be read', cause);
}

/** Streams the log once. The configuration is that of the snapshot that the state is based on; those in the log after it override it. */
async function describeLog(
  { logStore }: StorageEngine,
  configuration: Configuration | undefined,
  damagedThrough: number | undefined,
): Promise<LogDescription> {
  const last = Math.min(logStore.lastIndex, (logStore.damagedRanges?.[0]?.first ?? Number.POSITIVE_INFINITY) - 1);
  const describer = new LogDescriber(
    logStore.purgeBoundary,
    configuration ?? (await firstConfiguration({ logStore }, last)),
  );
  if (last >= logStore.firstIndex) {
    for await (const entry of logStore.entries({ last })) describer.add(entry);
  }
  if (damagedThrough === undefined) return describer.describe();
  return describer.describe({ from: last + 1, lastIndex: Math.max(damagedThrough, logStore.lastIndex) });
}

/** Where the whole log is there, it begins with the cluster's first configuration, which nothing ever replaces. */
async function firstConfiguration({ logStore }: Pick<StorageEngine, 'logStore'>, last: number): Promise<Configuration> {
  const first = last >= 1 ? await logStore.entry(1) : undefined;
  return first?.kind === 'config' ? decodeConfiguration(first.data) : UNKNOWN;
}

function damaged(what: string, cause?: unknown): NodeError<'DAMAGED_STORAGE'> {
  return new NodeError(
    'DAMAGED_STORAGE',
    `The storage lacks ${what}. Restore a backup of it, or remove this node from the cluster and add it under a new id with an empty storage.`,
    { what },
    { cause },
  );
}

function machineAhead(lastApplied: number, lastIndex: number): NodeError<'STATE_MACHINE_AHEAD'> {
  return new NodeError(
    'STATE_MACHINE_AHEAD',
    `The state machine has applied entry ${lastApplied}, but the log ends at ${lastIndex}. Open the state machine that belongs to this storage.`,
    { lastApplied, lastIndex },
  );
}
