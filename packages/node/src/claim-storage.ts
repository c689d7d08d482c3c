import type { StorageEngine } from '@raftlog/core';
import { encodeConfiguration, initialConfiguration } from '@raftlog/raft';
import type { ResolvedConfig } from './config.ts';
import { type Identity, NodeError } from './errors.ts';
import { decodeContext, type SnapshotContext, saveClaim } from './snapshot-context.ts';

/**
 * Makes sure that the storage is this node's: one that is new is claimed, one of another node or cluster refused with `FOREIGN_STORAGE`, untouched. A
 * new cluster's log is begun.
 *
 * A storage that was wiped looks new, and nothing in it can tell. A node that starts on one under its old id, with the members of a new cluster, has
 * forgotten its vote and what it acknowledged; that is why `NodeConfig.nodeId` asks for a new id then.
 */
export async function claimStorage(engine: StorageEngine, config: ResolvedConfig): Promise<void> {
  const claimed = await claimOf(engine);
  if (claimed !== undefined) checkIdentity(claimed, config);
  else if (await isNew(engine))
    await saveClaim(engine.snapshotStore, { ...identityOf(config), configuration: initialOf(config) });
  else throw foreign(config, undefined);
  await beginLog(engine);
}

/** Every snapshot says whose it is; the newest has the last word. */
async function claimOf({ snapshotStore }: StorageEngine): Promise<SnapshotContext | undefined> {
  const latest = await snapshotStore.latest();
  return latest && decodeContext(latest.context);
}

async function isNew({ logStore, metaStore, snapshotStore }: StorageEngine): Promise<boolean> {
  return (
    logStore.lastLogId === undefined &&
    (await metaStore.loadHardState()) === undefined &&
    (await snapshotStore.latest()) === undefined
  );
}

function initialOf({ members }: ResolvedConfig): SnapshotContext['configuration'] {
  return members === 'join' ? undefined : initialConfiguration(members.voters, members.learners);
}

/**
 * A new cluster's first entry is its configuration, in term 1, the same on all its first members: as if a leader of that term had replicated it. A node
 * that joins later finds it in the log, or a later one in a snapshot. Done again where a crash came between the claim and the entry; it goes by the
 * claim, not by what the node is configured with by now.
 */
async function beginLog(engine: StorageEngine): Promise<void> {
  if (engine.logStore.lastLogId !== undefined) return;
  const claim = await claimOf(engine);
  if (claim === undefined || !claim.isClaim || claim.configuration === undefined) return;
  const hardState = await engine.metaStore.loadHardState();
  const data = encodeConfiguration(claim.configuration);
  await engine.write({
    hardState: hardState ?? { currentTerm: 1, votedFor: undefined },
    entries: [{ index: 1, term: 1, kind: 'config', data }],
  });
  await engine.logStore.flush();
}

function identityOf({ clusterId, nodeId }: Identity): Identity {
  return { clusterId, nodeId };
}

function checkIdentity({ clusterId, nodeId }: Identity, config: ResolvedConfig): void {
  if (clusterId !== config.clusterId || nodeId !== config.nodeId) throw foreign(config, { clusterId, nodeId });
}

function foreign({ clusterId, nodeId }: Identity, found: Identity | undefined): NodeError<'FOREIGN_STORAGE'> {
  const owner = found
    ? `belongs to node ${found.nodeId} of cluster ${found.clusterId}`
    : 'holds what no node of this package wrote';
  return new NodeError(
    'FOREIGN_STORAGE',
    `The storage ${owner}, this is node ${nodeId} of cluster ${clusterId}. Open the storage of this node, or an empty one.`,
    { expected: { clusterId, nodeId }, found },
  );
}
