import type { SnapshotInfo, SnapshotStore, StorageEngine } from '@raftlog/core';
import { NodeError } from './errors.ts';
import { decodeContext, type SnapshotContext, saveClaim } from './snapshot-context.ts';

/*
 * The core mends a damaged log by cutting it off where the damage begins and taking the rest from the leader. With the cut the engine forgets the damage;
 * what the log has lost, this node may have acknowledged all the same. Were it to crash before it has everything again, it would come back with a log
 * that looks whole and is too short, and vote with it. So where the log ended is noted durably before anything is written, and stays noted until the core
 * says that nothing is missing any more.
 */

interface Claim {
  readonly info: SnapshotInfo;
  readonly context: SnapshotContext;
}

/** Where a damaged log ended, now or before a restart, noted durably; `undefined`: nothing is missing. */
export async function noteDamage({ logStore, snapshotStore }: StorageEngine): Promise<number | undefined> {
  const claims = await claimsOf(snapshotStore);
  const noted = claims.map(({ context }) => context.damagedThrough ?? 0);
  const found = (logStore.damagedRanges?.length ?? 0) > 0 ? logStore.lastIndex : 0;
  const through = Math.max(found, ...noted);
  if (through === 0) return undefined;
  if (!noted.includes(through)) {
    const [claim] = claims;
    if (claim === undefined) {
      throw new NodeError(
        'DAMAGED_STORAGE',
        'The storage lacks the claim that every node begins with. Add this node under a new id with an empty storage.',
        { what: 'the claim' },
      );
    }
    await saveClaim(snapshotStore, { ...claim.context, damagedThrough: through });
  }
  return through;
}

/** Everything is there again. */
export async function forgetDamage(snapshots: SnapshotStore): Promise<void> {
  for (const { info, context } of await claimsOf(snapshots)) {
    if (context.damagedThrough !== undefined) await snapshots.remove(info.id);
  }
}

async function claimsOf(snapshots: SnapshotStore): Promise<readonly Claim[]> {
  const all = (await snapshots.list()).map((info) => ({ info, context: decodeContext(info.context) }));
  return all.filter((each): each is Claim => each.context?.isClaim === true);
}
