import { describe, expect, test } from 'vitest';
import {
  type Consistency,
  decodeKeyValueResult,
  encodeKeyValueCommand,
  encodeKeyValueQuery,
  KeyValueClient,
  type RaftNode,
} from '../../src/index.ts';
import type { EngineKind } from './engines.ts';
import { TestCluster } from './test-cluster.ts';

export const bytes = (text: string): Uint8Array => Buffer.from(text);

export function put(cluster: TestCluster, node: RaftNode, key: string, value: string): Promise<Uint8Array> {
  return cluster.clock.settle(node.propose(encodeKeyValueCommand({ op: 'put', key, value: bytes(value) })));
}

export async function get(
  cluster: TestCluster,
  node: RaftNode,
  key: string,
  consistency: Consistency = 'linearizable',
) {
  const answer = await cluster.clock.settle(node.read(encodeKeyValueQuery(key), { consistency }));
  const result = decodeKeyValueResult(answer);
  return result.kind === 'value' && result.value !== undefined ? Buffer.from(result.value).toString() : undefined;
}

/** What a cluster does on any engine. */
export function describeCluster(engine: EngineKind): void {
  describe(`on ${engine.name}`, () => {
    test('a single node elects itself, applies, and reads in all consistencies', async () => {
      const cluster = await TestCluster.started(1, { engine });
      const node = cluster.node('n1');
      // No leader yet: the proposal waits for one.
      await put(cluster, node, 'x', '1');
      expect(await get(cluster, node, 'x')).toBe('1');
      expect(await get(cluster, node, 'x', 'lease')).toBe('1');
      expect(await get(cluster, node, 'x', 'local')).toBe('1');
      const { role, term, leader, storage } = node.status();
      expect({ role, leader, adaptor: storage.capabilities.adaptor }).toEqual({
        role: 'leader',
        leader: 'n1',
        adaptor: cluster.member('n1').engine.capabilities.adaptor,
      });
      expect(term).toBeGreaterThan(1);
    });

    test('three nodes replicate, forward from followers, and survive the loss of their leader', async () => {
      const cluster = await TestCluster.started(3, { engine });
      const leader = await cluster.leader();
      const follower = await cluster.follower();
      await put(cluster, leader, 'a', '1');
      await put(cluster, follower, 'b', '2');
      for (const node of cluster.nodes) expect(await get(cluster, node, 'b')).toBe('2');

      await cluster.stop(leader.nodeId);
      const successor = await cluster.leader();
      expect(successor.nodeId).not.toBe(leader.nodeId);
      await put(cluster, successor, 'a', '3');
      expect(await get(cluster, follower, 'a')).toBe('3');
    });

    test('nodes that start again go on from what they stored', async () => {
      const cluster = await TestCluster.started(3, { engine });
      for (let index = 0; index < 20; index++) await put(cluster, await cluster.leader(), `k${index}`, String(index));
      await cluster.level();
      const { term } = (await cluster.leader()).status();
      for (const id of ['n1', 'n2', 'n3']) await cluster.restart(id);
      const leader = await cluster.leader();
      expect(leader.status().term).toBeGreaterThanOrEqual(term);
      for (let index = 0; index < 20; index++) expect(await get(cluster, leader, `k${index}`)).toBe(String(index));
    });

    test('a follower that was away is brought up to date by a snapshot, and so is a new node', async () => {
      const snapshots = { entries: 20, keepEntries: 5, retain: 1, chunkBytes: 64 };
      const cluster = await TestCluster.started(3, { engine, config: { snapshots } });
      const away = await cluster.follower();
      const stored = await cluster.stop(away.nodeId);
      const client = await cluster.clock.settle(KeyValueClient.open(await cluster.leader()));
      for (let index = 0; index < 60; index++)
        await cluster.clock.settle(client.put(`k${index}`, bytes('v'.repeat(50))));
      const leader = await cluster.leader();
      await cluster.clock.until(() => leader.status().boundary.index > 20, 'a compacted log');

      const back = await cluster.start(away.nodeId, {}, stored);
      await cluster.level();
      expect(await get(cluster, back, 'k59', 'local')).toBe('v'.repeat(50));
      expect(back.status().boundary.index).toBeGreaterThan(20);

      const added = await cluster.start('n4', { members: 'join' });
      await cluster.clock.settle(leader.changeMembership([{ kind: 'add-learner', id: 'n4' }]));
      await cluster.level();
      const changed = await cluster.clock.settle(leader.changeMembership([{ kind: 'add-voter', id: 'n4' }]));
      expect(changed.voters).toEqual(['n1', 'n2', 'n3', 'n4']);
      expect(await get(cluster, added, 'k0', 'local')).toBe('v'.repeat(50));

      // What came by a snapshot is there after a restart too.
      const again = await cluster.restart('n4', { members: 'join' });
      await cluster.level();
      expect(await get(cluster, again, 'k30', 'local')).toBe('v'.repeat(50));
      expect(again.status().configuration.voters).toContain('n4');
    });
  });
}
