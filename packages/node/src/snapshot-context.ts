import type { LogId, SnapshotInfo, SnapshotStore } from '@raftlog/core';
import { type Configuration, decodeConfiguration, encodeConfiguration } from '@raftlog/raft';
import type { Identity } from './errors.ts';

/*
 * A node keeps in the context of each of its snapshots whose storage this is, and the configuration as of the snapshot's last entry.
 *
 * Why there: the context is the only place for the node's own bytes that the storage contract has and that every engine, a third party's too, must
 * keep durably. The log won't do, for it is the same on all nodes, and a snapshot replaces it; nor will the marker in the directory, which only engines
 * with a directory have. A storage that is new gets a snapshot without content for this purpose alone, a claim, before anything else is written to it:
 * from then on the newest snapshot always says whose the storage is, for each one that is taken or received says it too.
 */

const FORMAT_VERSION = 1;

/** What a snapshot's context says. */
export interface SnapshotContext extends Identity {
  /** `undefined` of a claim that a joining node made, which knows of no configuration yet. */
  readonly configuration: Configuration | undefined;
  /** True: the snapshot holds no state; it only says whose the storage is. Its configuration is the one that the cluster begins with. */
  readonly isClaim: boolean;
  /** Only of a claim: the log was found damaged, and ended here. Everything up to here may have been acknowledged, and is not all there. */
  readonly damagedThrough?: number | undefined;
}

/** Where a claim stands: at the first place that a snapshot can have, so that every one with a state outranks it, or follows it there. */
const CLAIM_PLACE: LogId = { index: 1, term: 1 };

export function encodeContext(context: SnapshotContext): Uint8Array {
  const { clusterId, nodeId, configuration, isClaim, damagedThrough } = context;
  const encoded = configuration && Buffer.from(encodeConfiguration(configuration)).toString('utf8');
  return Buffer.from(
    JSON.stringify({
      format: 'raftlog-node',
      version: FORMAT_VERSION,
      clusterId,
      nodeId,
      isClaim,
      configuration: encoded,
      damagedThrough,
    }),
  );
}

/** Reads what {@link encodeContext} wrote; `undefined` if it was something else. Throws `MALFORMED_CONFIGURATION`. */
export function decodeContext(bytes: Uint8Array): SnapshotContext | undefined {
  const { format, version, clusterId, nodeId, isClaim, configuration, damagedThrough } = parse(bytes);
  if (format !== 'raftlog-node' || version !== FORMAT_VERSION || typeof isClaim !== 'boolean') return undefined;
  if (typeof clusterId !== 'string' || typeof nodeId !== 'string') return undefined;
  const decoded = typeof configuration === 'string' ? decodeConfiguration(Buffer.from(configuration)) : undefined;
  return {
    clusterId,
    nodeId,
    isClaim,
    configuration: decoded,
    damagedThrough: typeof damagedThrough === 'number' ? damagedThrough : undefined,
  };
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Claims a new storage, or claims it once more to note that its log is damaged. Durable when it resolves. */
export async function saveClaim(snapshots: SnapshotStore, claim: Omit<SnapshotContext, 'isClaim'>): Promise<void> {
  const context = encodeContext({ ...claim, isClaim: true });
  await snapshots.save({ lastIncluded: CLAIM_PLACE, context }, nothing());
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

/** A snapshot that holds a state. */
export interface StateSnapshot {
  readonly info: SnapshotInfo;
  readonly configuration: Configuration;
}

/** The snapshots that hold a state, newest first. */
export async function stateSnapshots(snapshots: SnapshotStore): Promise<StateSnapshot[]> {
  const found: StateSnapshot[] = [];
  for (const info of await snapshots.list()) {
    const context = decodeContext(info.context);
    if (context?.configuration === undefined || context.isClaim) continue;
    found.push({ info, configuration: context.configuration });
  }
  return found;
}
