import { expect, test } from 'vitest';
import { initialConfiguration } from '../src/index.ts';
import { Cluster } from './support/cluster.ts';
import { entry, LoneCore, messagesOf } from './support/lone-core.ts';

const configuration = initialConfiguration(['a', 'b', 'c']);

function compacted(): Cluster {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  cluster.isolate('c');
  for (const command of ['1', '2', '3']) cluster.propose(command);
  cluster.tick(2);
  cluster.server('a').compact();
  cluster.propose('4');
  cluster.tick(1);
  return cluster;
}

test('a follower that needs what is compacted away gets a snapshot, then the entries after it', () => {
  const cluster = compacted();
  cluster.heal();
  cluster.tick(3);
  expect(cluster.commands('c')).toEqual(['1', '2', '3', '4']);
  expect(cluster.server('c').storage.boundary).toEqual({ index: 4, term: 1 });
  expect(cluster.status('a').peers.get('c')).toMatchObject({ state: 'replicate', matchIndex: 5 });
});

test('a snapshot that fails is tried again after a sign of life, and none is ordered for a peer that is silent', () => {
  const cluster = compacted();
  const a = cluster.server('a');
  cluster.tick(15);
  expect(a.snapshotOrders).toEqual([]);
  let failed = 0;
  cluster.lose((packet) => packet.kind === 'snapshot' && ++failed <= 2);
  cluster.tick(6);
  expect(failed).toBe(3);
  expect(cluster.commands('c')).toHaveLength(4);
});

test('the install is done or redone as a whole, whenever the follower crashes', () => {
  for (let step = 0; step < 30; step++) {
    const cluster = compacted();
    cluster.heal();
    cluster.server('a').input((core) => core.tick());
    for (let moves = 0; moves < step; moves++) {
      for (const server of cluster.servers.values()) if (!server.storeNext()) server.fillNext();
      const packet = cluster.packets.shift();
      if (packet !== undefined) cluster.deliver(packet);
    }
    cluster.restart('c');
    cluster.tick(4);
    expect(cluster.commands('c'), `step ${step}`).toEqual(['1', '2', '3', '4']);
  }
});

test('figure 13: what a snapshot makes of the log', () => {
  const snapshot = (index: number, term: number) => ({ lastIncluded: { index, term }, configuration });
  const stale = new LoneCore({ terms: [1, 1, 1] });
  stale.step({ type: 'heartbeat', from: 'b', term: 1, round: 1, commitIndex: 2 });
  expect(stale.core.installSnapshot(snapshot(2, 1))).toBe('stale');

  expect(stale.core.installSnapshot(snapshot(3, 1))).toBe('log-kept');
  expect(stale.core.status()).toMatchObject({ commitIndex: 3, lastLog: { index: 3, term: 1 }, boundary: { index: 0 } });

  for (const [terms, index] of [
    [[1, 1, 1], 9],
    [[1, 1, 1], 3],
  ] as const) {
    const lone = new LoneCore({ terms, currentTerm: 2 });
    lone.step({ type: 'heartbeat', from: 'b', term: 2, round: 1, commitIndex: 1 });
    expect(lone.core.installSnapshot(snapshot(index, 2))).toBe('log-reset');
    const ready = lone.ready();
    expect(ready.write).toBeUndefined();
    expect(ready).toMatchObject({ commitIndex: index, applicable: index });
    expect(messagesOf(ready, 'append-accepted')).toMatchObject([{ to: 'b', matchIndex: index }]);
    expect(lone.core.status()).toMatchObject({
      boundary: { index, term: 2 },
      lastLog: { index, term: 2 },
      storedIndex: index,
    });
  }
});

test('what was on its way to the disk when a snapshot replaced the log is not acknowledged any more', () => {
  const lone = new LoneCore();
  lone.step({
    type: 'append-request',
    from: 'b',
    term: 1,
    previous: { index: 0, term: 0 },
    entries: [entry(1, 1), entry(2, 1)],
    commitIndex: 0,
  });
  lone.step({ type: 'heartbeat', from: 'c', term: 2, round: 1, commitIndex: 0 });
  expect(lone.core.installSnapshot({ lastIncluded: { index: 1, term: 2 }, configuration })).toBe('log-reset');
  lone.ready();
  lone.core.stored(2);
  expect(lone.core.status()).toMatchObject({ storedIndex: 1, lastLog: { index: 1, term: 2 } });
});

test('an acknowledgement that waits for a write which a snapshot has made needless is not sent', () => {
  const { core } = new LoneCore({ terms: [1], currentTerm: 2 });
  const append = {
    type: 'append-request',
    from: 'b',
    to: 'a',
    term: 2,
    previous: { index: 1, term: 1 },
    commitIndex: 0,
  } as const;
  core.step({ ...append, entries: [entry(2, 1), entry(3, 1)] });
  expect(core.installSnapshot({ lastIncluded: { index: 2, term: 2 }, configuration })).toBe('log-reset');
  const ready = core.ready();
  expect(ready.write).toBeUndefined();
  expect(ready.messagesAfter).toEqual([]);
  expect(ready.messages).toMatchObject([{ type: 'append-accepted', matchIndex: 2 }]);
});

test('a snapshot brings the membership with it', () => {
  const lone = new LoneCore();
  lone.step({ type: 'heartbeat', from: 'b', term: 1, round: 1, commitIndex: 0 });
  const members = initialConfiguration(['b', 'c'], ['a']);
  lone.core.installSnapshot({ lastIncluded: { index: 5, term: 1 }, configuration: members });
  expect(lone.ready().configuration).toEqual(members);
  expect(lone.core.configurationAt(5)).toEqual(members);
});

test('the configuration of a snapshot is that of its last entry, also after later changes', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  const { core } = cluster.server('a');
  cluster.server('a').input(() => core.changeMembership([{ kind: 'remove', id: 'c' }]));
  cluster.settle();
  cluster.server('a').input(() => core.changeMembership([{ kind: 'add-learner', id: 'd' }]));
  cluster.settle();
  expect([1, 2, 3].map((index) => core.configurationAt(index))).toEqual([
    initialConfiguration(['a', 'b', 'c']),
    initialConfiguration(['a', 'b']),
    initialConfiguration(['a', 'b'], ['d']),
  ]);
  cluster.server('a').compact();
  expect(core.configurationAt(3)).toEqual(initialConfiguration(['a', 'b'], ['d']));
  cluster.restart('a');
  expect(cluster.status('a').configuration).toEqual(initialConfiguration(['a', 'b'], ['d']));
});

test('a leader has no use for a snapshot, and a candidate that takes one stops campaigning', () => {
  const lone = new LoneCore();
  lone.lead();
  expect(lone.core.installSnapshot({ lastIncluded: { index: 9, term: 1 }, configuration })).toBe('stale');
  const candidate = new LoneCore();
  candidate.core.campaign();
  expect(candidate.core.installSnapshot({ lastIncluded: { index: 9, term: 1 }, configuration })).toBe('log-reset');
  expect(candidate.core.status().role).toBe('follower');
});

test('only what is applied may be compacted away, under its own term', () => {
  const lone = new LoneCore({ terms: [1, 1, 1], appliedIndex: 2 });
  for (const boundary of [
    { index: 3, term: 1 },
    { index: 2, term: 9 },
  ]) {
    expect(() => lone.core.compacted(boundary)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  }
  lone.core.compacted({ index: 2, term: 1 });
  lone.core.compacted({ index: 1, term: 1 });
  expect(lone.core.status()).toMatchObject({ boundary: { index: 2, term: 1 }, lastLog: { index: 3, term: 1 } });
  // What is committed is matched without being looked up.
  const late = lone.step({
    type: 'append-request',
    from: 'b',
    term: 1,
    previous: { index: 0, term: 0 },
    entries: [1, 2, 3, 4].map((index) => entry(index, 1)),
    commitIndex: 0,
  });
  expect(late.write).toMatchObject({ entries: [{ index: 4 }] });
  expect(messagesOf(late, 'append-accepted')).toMatchObject([{ matchIndex: 4 }]);
});
