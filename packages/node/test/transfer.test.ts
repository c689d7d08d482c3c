import { expect, test } from 'vitest';
import { type Envelope, type InMemoryHub, KeyValueClient, type SnapshotChunk } from '../src/index.ts';
import { SeenIds } from '../src/seen-ids.ts';
import { TestCluster } from './support/test-cluster.ts';

/** What goes over the hub, as it was sent. */
function tap(hub: InMemoryHub, drop: (envelope: Envelope) => boolean = () => false): Envelope[] {
  const sent: Envelope[] = [];
  const transport = hub.transport.bind(hub);
  hub.transport = (nodeId) => {
    const inner = transport(nodeId);
    return {
      ...inner,
      send: (envelope) => {
        sent.push(envelope);
        if (!drop(envelope)) inner.send(envelope);
      },
    };
  };
  return sent;
}

const isChunk = (envelope: Envelope): envelope is Envelope & { readonly message: SnapshotChunk } =>
  envelope.message.type === 'snapshot-chunk';

test('a transfer that breaks off goes on where it was', async () => {
  const snapshots = { entries: 50, keepEntries: 0, retain: 1, chunkBytes: 1_000 };
  const cluster = new TestCluster(3, { config: { snapshots } });
  let state: 'whole' | 'broken' | 'mended' = 'whole';
  const sent = tap(cluster.hub, (envelope) => {
    if (isChunk(envelope) && envelope.message.offset >= 10_000 && state === 'whole') state = 'broken';
    return isChunk(envelope) && state === 'broken';
  });
  for (const id of ['n1', 'n2', 'n3']) await cluster.start(id);
  const away = await cluster.follower();
  const stored = await cluster.stop(away.nodeId);
  const leader = await cluster.leader();
  const client = await cluster.clock.settle(KeyValueClient.open(leader));
  for (let index = 0; index < 60; index++)
    await cluster.clock.settle(client.put(`k${index}`, Buffer.alloc(500, index)));
  await cluster.clock.until(() => leader.status().boundary.index >= 50, 'a compacted log');

  await cluster.start(away.nodeId, {}, stored);
  await cluster.clock.until(() => state === 'broken', 'a break');
  await cluster.clock.pass(1_500);
  state = 'mended';
  const before = sent.length;
  await cluster.level();
  // Four pieces are sent ahead of the answers: no more than these come again.
  const offsets = sent
    .slice(before)
    .filter(isChunk)
    .map(({ message }) => message.offset);
  expect(Math.min(...offsets)).toBeGreaterThanOrEqual(6_000);
  expect(Math.max(...offsets)).toBeGreaterThan(20_000);
  for (const { message } of sent.filter(isChunk)) expect(message.data.length).toBeLessThanOrEqual(1_000);
});

test('a piece that is lost is sent again when the next one has come, not when the time is over', async () => {
  const snapshots = { entries: 50, keepEntries: 0, retain: 1, chunkBytes: 1_000 };
  const electionTimeoutMs = 1_000;
  const cluster = new TestCluster(3, { config: { snapshots, electionTimeoutMs } });
  let lostAt: number | undefined;
  tap(cluster.hub, (envelope) => {
    if (lostAt !== undefined || !isChunk(envelope) || envelope.message.offset < 10_000) return false;
    lostAt = cluster.clock.now();
    return true;
  });
  for (const id of ['n1', 'n2', 'n3']) await cluster.start(id);
  const away = await cluster.follower();
  const stored = await cluster.stop(away.nodeId);
  const leader = await cluster.leader();
  const client = await cluster.clock.settle(KeyValueClient.open(leader));
  for (let index = 0; index < 60; index++)
    await cluster.clock.settle(client.put(`k${index}`, Buffer.alloc(500, index)));
  await cluster.clock.until(() => leader.status().boundary.index >= 50, 'a compacted log');

  const back = await cluster.start(away.nodeId, {}, stored);
  await cluster.clock.until(() => back.status().boundary.index >= 50, 'an installed snapshot');
  expect(cluster.clock.now() - (lostAt ?? 0)).toBeLessThan(electionTimeoutMs / 2);
});

test('a forwarded proposal that the network brings twice is proposed once', async () => {
  const cluster = new TestCluster(3);
  const copies: Envelope[] = [];
  const hub = cluster.hub;
  const transport = hub.transport.bind(hub);
  hub.transport = (nodeId) => {
    const inner = transport(nodeId);
    return {
      ...inner,
      send: (envelope) => {
        inner.send(envelope);
        if (envelope.message.type !== 'proposal-request') return;
        copies.push(envelope);
        inner.send(envelope);
      },
    };
  };
  for (const id of ['n1', 'n2', 'n3']) await cluster.start(id);
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  const before = leader.status().lastLog.index;
  await cluster.clock.settle(follower.propose(Buffer.from('once')));
  await cluster.clock.pass(500);
  expect(copies).toHaveLength(1);
  expect(leader.status().lastLog.index).toBe(before + 1);
});

test('what is meant for another cluster is dropped', async () => {
  const cluster = await TestCluster.started(1);
  const leader = await cluster.leader();
  const stranger = cluster.hub.transport('n2');
  await stranger.start(() => undefined);
  const { term } = leader.status();
  const lastLog = { index: 99, term: 99 };
  const vote = {
    type: 'vote-request',
    preVote: false,
    lastLog,
    transfer: true,
    from: 'n2',
    to: 'n1',
    term: 99,
  } as const;
  stranger.send({ clusterId: 'other', from: 'n2', to: 'n1', message: vote });
  await cluster.clock.pass(100);
  expect(leader.status().term).toBe(term);
  stranger.send({ clusterId: 'test', from: 'n2', to: 'n1', message: vote });
  await cluster.clock.until(() => leader.status().term >= 99);
});

test('ids are seen once, those too old to tell never, and each session has its own', () => {
  const seen = new SeenIds();
  expect([seen.add('a', 1, 5), seen.add('a', 1, 5), seen.add('a', 1, 4)]).toEqual([true, false, true]);
  expect([seen.add('a', 2, 5), seen.add('b', 1, 5)]).toEqual([true, true]);
  expect(seen.add('a', 1, 100_000)).toBe(true);
  expect(seen.add('a', 1, 6)).toBe(false);
  expect(seen.add('a', 1, 99_999)).toBe(true);
});

test('a session that is heard of late costs no more than one from its beginning', () => {
  const seen = new SeenIds();
  // Counted through, it would take years.
  expect(seen.add('a', 1, 2 ** 50)).toBe(true);
  expect(seen.add('a', 1, 2 ** 50)).toBe(false);
  expect(seen.add('a', 1, 2 ** 50 - 1)).toBe(true);
  expect(seen.add('a', 1, 1)).toBe(false);
});
