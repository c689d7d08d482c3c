import { expect, test } from 'vitest';
import { Cluster } from './support/cluster.ts';
import { LoneCore, messagesOf } from './support/lone-core.ts';

function started(options = {}): Cluster {
  const cluster = new Cluster(['a', 'b', 'c'], options);
  cluster.elect('a');
  cluster.propose('x');
  cluster.settle();
  return cluster;
}

test('a leader answers once a quorum has answered a heartbeat that was sent after the read came (thesis 6.4)', () => {
  const lone = new LoneCore();
  lone.lead();
  lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 1 });
  lone.storeAll();
  const before = messagesOf(lone.tick(1), 'heartbeat')[0]?.round ?? 0;
  lone.core.readIndex(7);
  const asked = lone.ready();
  const round = messagesOf(asked, 'heartbeat')[0]?.round ?? 0;
  expect(round).toBeGreaterThan(before);
  expect(lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round: before }).reads).toEqual([]);
  expect(lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round }).reads).toEqual([{ id: 7, index: 1 }]);
  expect(lone.step({ type: 'heartbeat-response', from: 'c', term: 1, round }).reads).toEqual([]);
});

test('an answer to a heartbeat of an earlier term counts for no round, though it comes in the term of today', () => {
  const asked = new LoneCore({ currentTerm: 3 });
  asked.step({ type: 'heartbeat', from: 'b', term: 3, round: 1, commitIndex: 0 });
  // From when b led for long in term 1. It leads again, and counts its rounds anew.
  const late = asked.step({ type: 'heartbeat', from: 'b', term: 1, round: 28, commitIndex: 0 });
  expect(messagesOf(late, 'heartbeat-response')).toEqual([
    { type: 'heartbeat-response', from: 'a', to: 'b', term: 3, round: 0 },
  ]);

  const lone = new LoneCore();
  lone.lead();
  lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 1 });
  lone.storeAll();
  lone.core.readIndex(1);
  lone.ready();
  expect(lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round: 0 }).reads).toEqual([]);
});

test('an answer to a heartbeat that was never sent stops the leader: it would confirm any read', () => {
  const lone = new LoneCore();
  lone.lead();
  const round = messagesOf(lone.tick(1), 'heartbeat')[0]?.round ?? 0;
  lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round });
  expect(() => lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round: round + 1 })).toThrow(
    expect.objectContaining({ code: 'INVARIANT_VIOLATED' }),
  );
});

test('a leader that is answered but can not commit in its term gives reads up after an election timeout, and holds none for ever', () => {
  const lone = new LoneCore();
  lone.lead();
  lone.core.readIndex(7);
  lone.step({ type: 'read-index-request', from: 'c', term: 1, read: { id: 3, session: 9 } });
  const refused: unknown[] = [];
  for (let tick = 1; tick <= 10; tick++) {
    const ready = lone.tick(1);
    refused.push(...ready.refusedReads, ...messagesOf(ready, 'read-index-response'));
    const [heartbeat] = messagesOf(ready, 'heartbeat');
    if (heartbeat === undefined) continue;
    // Their disks hang: they answer, and store nothing.
    lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round: heartbeat.round });
  }
  expect(lone.core.status().role).toBe('leader');
  expect(refused).toMatchObject([
    { id: 7, reason: 'timeout' },
    { to: 'c', read: { id: 3, session: 9 }, index: undefined },
  ]);
});

test('reads that come in one turn share a heartbeat', () => {
  const lone = new LoneCore();
  lone.lead();
  lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 1 });
  lone.storeAll();
  for (const id of [1, 2, 3]) lone.core.readIndex(id);
  const heartbeats = messagesOf(lone.ready(), 'heartbeat');
  expect(heartbeats).toHaveLength(2);
  const answered = lone.step({ type: 'heartbeat-response', from: 'c', term: 1, round: heartbeats[0]?.round ?? 0 });
  expect(answered.reads.map(({ id }) => id)).toEqual([1, 2, 3]);
});

test('a fresh leader does not answer before it has committed in its own term: it does not know yet what is committed', () => {
  const lone = new LoneCore({ terms: [1, 1] });
  const elected = lone.lead();
  const round = messagesOf(elected, 'heartbeat')[0]?.round ?? 0;
  lone.core.readIndex(1);
  expect(messagesOf(lone.ready(), 'heartbeat')).toEqual([]);
  expect(lone.step({ type: 'heartbeat-response', from: 'b', term: 2, round }).reads).toEqual([]);
  lone.storeAll();
  const committed = lone.step({ type: 'append-accepted', from: 'b', term: 2, matchIndex: 3 });
  const next = messagesOf(committed, 'heartbeat')[0]?.round ?? 0;
  expect(committed.reads).toEqual([]);
  expect(lone.step({ type: 'heartbeat-response', from: 'b', term: 2, round: next }).reads).toEqual([
    { id: 1, index: 3 },
  ]);
});

test('a follower forwards its reads to the leader', () => {
  const cluster = started();
  const b = cluster.server('b');
  b.input((core) => core.readIndex(5));
  cluster.settle();
  expect(b.reads).toEqual([{ id: 5, index: 2 }]);
});

test('a single server answers at once, a learner through its leader', () => {
  const cluster = new Cluster(['a']);
  cluster.add('b');
  cluster.tick(1);
  cluster.leader.input((core) => core.changeMembership([{ kind: 'add-learner', id: 'b' }]));
  cluster.settle();
  for (const id of ['a', 'b']) cluster.server(id).input((core) => core.readIndex(1));
  cluster.settle();
  for (const id of ['a', 'b']) expect(cluster.server(id).reads, id).toEqual([{ id: 1, index: 2 }]);
});

test('a leader that was replaced without knowing it answers no read', () => {
  const cluster = started({ checkQuorum: false });
  cluster.isolate('a');
  const a = cluster.server('a');
  a.input((core) => core.readIndex(1));
  cluster.tick(40);
  expect(cluster.leader.id).not.toBe('a');
  cluster.propose('y');
  cluster.settle();
  a.input((core) => core.readIndex(2));
  cluster.settle();
  expect(a.reads).toEqual([]);
  cluster.heal();
  cluster.tick(2);
  expect(a.reads).toEqual([]);
  expect(a.refusedReads).toEqual([
    { id: 1, reason: 'timeout' },
    { id: 2, reason: 'leader-lost' },
  ]);
});

test('no read is left open: refused without a leader, when the leader is lost, and when it does not answer', () => {
  const cluster = started();
  const b = cluster.server('b');
  cluster.isolate('a', 'b');
  b.input((core) => core.readIndex(1));
  cluster.tick(10, 'b');
  expect(b.refusedReads).toEqual([{ id: 1, reason: 'timeout' }]);
  cluster.tick(10, 'b');
  b.input((core) => core.readIndex(2));
  expect(b.refusedReads.at(-1)).toEqual({ id: 2, reason: 'no-leader' });

  const c = cluster.server('c');
  c.input((core) => core.readIndex(3));
  const message = { type: 'heartbeat', from: 'b', to: 'c', term: 9, round: 1, commitIndex: 0 } as const;
  c.receive({ kind: 'message', from: 'b', to: 'c', message });
  expect(c.refusedReads).toEqual([{ id: 3, reason: 'leader-lost' }]);
});

test('an answer to a read from before a restart does not answer a later one of the same id', () => {
  let draws = 0;
  const cluster = new Cluster(['a', 'b', 'c'], { randomInt: (below) => draws++ % below });
  cluster.elect('a');
  const b = cluster.server('b');
  b.input((core) => core.readIndex(1));
  const [late] = cluster.packets.splice(0);
  cluster.restart('b');
  cluster.tick(1);
  cluster.propose('new');
  cluster.settle();
  const leader = cluster.server('a');
  b.input((core) => core.readIndex(1));
  cluster.packets = [];
  if (late !== undefined) leader.receive(late);
  cluster.settle();
  expect(b.reads).toEqual([]);
});

test('a lease lasts from when a heartbeat was sent that a quorum answered, for the shortest election timeout less the margin (thesis 6.4.1)', () => {
  const cluster = started({ leaseMarginTicks: 3 });
  const a = cluster.server('a');
  cluster.tick(1);
  expect(a.core.leaseReadIndex()).toBe(2);
  cluster.isolate('b', 'c');
  cluster.tick(6, 'a');
  expect(a.core.leaseReadIndex()).toBe(2);
  cluster.tick(1, 'a');
  expect(a.core.leaseReadIndex()).toBeUndefined();
  expect(a.status.role).toBe('leader');
});

test('an answer that comes late renews the lease from when its heartbeat was sent, not from when it came', () => {
  const lone = new LoneCore({ leaseMarginTicks: 2 });
  lone.lead();
  lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 1 });
  lone.storeAll();
  expect(lone.core.leaseReadIndex()).toBeUndefined();
  const round = messagesOf(lone.tick(1), 'heartbeat')[0]?.round ?? 0;
  lone.tick(7);
  lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round });
  expect(lone.core.leaseReadIndex()).toBe(1);
  lone.tick(1);
  expect(lone.core.leaseReadIndex()).toBeUndefined();
});

test('no lease before an entry of the own term is committed, none on a follower', () => {
  const lone = new LoneCore({ terms: [1] });
  const round = messagesOf(lone.lead(), 'heartbeat')[0]?.round ?? 0;
  lone.step({ type: 'heartbeat-response', from: 'b', term: 2, round });
  expect(lone.core.leaseReadIndex()).toBeUndefined();
  expect(started().server('b').core.leaseReadIndex()).toBeUndefined();
});
