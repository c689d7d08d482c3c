import { expect, test } from 'vitest';
import { decodeKeyValueResult, encodeKeyValueCommand, encodeKeyValueQuery, isNodeError } from '../src/index.ts';
import { bytes, describeCluster, get, put } from './support/describe-cluster.ts';
import { ENGINES } from './support/engines.ts';
import { TestCluster } from './support/test-cluster.ts';

for (const engine of ENGINES) describeCluster(engine);

test('a follower that is not to forward names the leader', async () => {
  const cluster = await TestCluster.started(3, { config: { forward: false } });
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  await cluster.clock.until(() => follower.status().leader !== undefined);
  const expected = { code: 'NOT_LEADER', details: { leader: leader.nodeId } };
  await expect(follower.propose(bytes('x'))).rejects.toMatchObject(expected);
  await expect(follower.read(bytes('x'))).rejects.toMatchObject(expected);
  await expect(follower.changeMembership([{ kind: 'remove', id: 'n1' }])).rejects.toMatchObject(expected);
});

test('leadership is handed over', async () => {
  const cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  const heir = await cluster.follower();
  await cluster.clock.settle(leader.transferLeadership(heir.nodeId));
  expect(leader.status().leader).toBe(heir.nodeId);
  await put(cluster, leader, 'x', '1');
  expect((await cluster.leader()).nodeId).toBe(heir.nodeId);
  await expect(cluster.clock.settle(heir.transferLeadership('nobody'))).rejects.toMatchObject({
    code: 'INVALID_CHANGE',
  });
});

test('several voters change at once through a joint configuration', async () => {
  const cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  await cluster.start('n4', { members: 'join' });
  await cluster.start('n5', { members: 'join' });
  const [removed] = ['n1', 'n2', 'n3'].filter((id) => id !== leader.nodeId);
  const changed = await cluster.clock.settle(
    leader.changeMembership([
      { kind: 'add-voter', id: 'n4' },
      { kind: 'add-voter', id: 'n5' },
      { kind: 'remove', id: removed! },
    ]),
  );
  expect(changed.outgoing).toEqual([]);
  expect(changed.voters).toHaveLength(4);
  expect(changed.voters).not.toContain(removed);
  await put(cluster, leader, 'x', '1');
  expect(await get(cluster, cluster.node('n5'), 'x')).toBe('1');
});

test('a leader that is cut off does not answer, and what it took is not called done', async () => {
  const cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  await put(cluster, leader, 'x', '1');
  cluster.hub.isolate(leader.nodeId);
  const lost = leader.propose(encodeKeyValueCommand({ op: 'put', key: 'x', value: bytes('lost') }));
  await expect(cluster.clock.settle(lost)).rejects.toMatchObject({ code: 'LEADERSHIP_LOST' });
  const others = cluster.nodes.filter((node) => node !== leader);
  await put(cluster, await cluster.leader(others), 'x', '2');
  await expect(cluster.clock.settle(leader.read(encodeKeyValueQuery('x')))).rejects.toMatchObject({
    code: 'TIMED_OUT',
  });
  expect(await get(cluster, leader, 'x', 'local')).toBe('1');
  cluster.hub.heal();
  expect(await get(cluster, leader, 'x')).toBe('2');
});

test('a lease ends while the process is held up', async () => {
  const cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  await put(cluster, leader, 'x', '1');
  await cluster.clock.pass(500);
  // Nobody else has heard: only by the clock can the leader know that others may have elected another one.
  cluster.hub.isolate(leader.nodeId);
  const read = leader.read(encodeKeyValueQuery('x'), { consistency: 'lease' });
  expect(decodeKeyValueResult(await read)).toMatchObject({ kind: 'value' });
  cluster.clock.holdUp(1_000);
  const late = leader.read(encodeKeyValueQuery('x'), { consistency: 'lease' });
  await expect(cluster.clock.settle(late)).rejects.toSatisfy((error) => isNodeError(error, 'TIMED_OUT'));
});

test('a proposal can be given up, and a late one is told apart from one that never was', async () => {
  const cluster = await TestCluster.started(3, { config: { requestTimeoutMs: 500 } });
  const abort = new AbortController();
  const waiting = cluster.node('n1').propose(bytes('x'), { signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED', details: { outcome: 'none' } });
  const leader = await cluster.leader();
  cluster.hub.isolate(leader.nodeId);
  const late = leader.propose(bytes('x'));
  await expect(cluster.clock.settle(late)).rejects.toMatchObject({
    code: 'TIMED_OUT',
    details: { outcome: 'unknown' },
  });
});
