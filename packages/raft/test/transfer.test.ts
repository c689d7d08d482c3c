import { expect, test } from 'vitest';
import { Cluster } from './support/cluster.ts';
import { LoneCore, messagesOf } from './support/lone-core.ts';

function started(): Cluster {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  return cluster;
}

function transfer(cluster: Cluster, to: string) {
  return cluster.leader.input((core) => core.transferLeadership(to));
}

test('leadership goes to a server that has everything at once, though all hear from the leader (thesis 3.10)', () => {
  const cluster = started();
  expect(transfer(cluster, 'b')).toEqual({ accepted: true });
  cluster.settle();
  expect(cluster.roles()).toEqual({ a: 'follower', b: 'leader', c: 'follower' });
  expect(cluster.status('a')).toMatchObject({ leader: 'b', term: 2 });
});

test('a server that lags gets what it lacks first; meanwhile the leader takes no proposals', () => {
  const cluster = started();
  cluster.isolate('b');
  cluster.propose('x');
  cluster.settle();
  const leader = cluster.leader;
  transfer(cluster, 'b');
  cluster.settle();
  expect(leader.status).toMatchObject({ role: 'leader', transferringTo: 'b' });
  expect(leader.input((core) => core.propose([Buffer.from('y')]))).toEqual({
    accepted: false,
    refusal: { reason: 'transferring', to: 'b' },
  });
  expect(leader.input((core) => core.changeMembership([{ kind: 'remove', id: 'c' }]))).toMatchObject({
    refusal: { reason: 'transferring' },
  });
  cluster.heal();
  cluster.tick(2);
  expect(cluster.leader.id).toBe('b');
  expect(cluster.commands('b')).toEqual(['x']);
});

test('a server that lags behind what is compacted away gets a snapshot first', () => {
  const cluster = started();
  cluster.isolate('b');
  cluster.propose('x');
  cluster.tick(1);
  cluster.server('a').compact();
  cluster.heal();
  transfer(cluster, 'b');
  cluster.tick(3);
  expect(cluster.leader.id).toBe('b');
});

test('a transfer that gets nowhere is called off after an election timeout', () => {
  const cluster = started();
  cluster.isolate('b');
  cluster.propose('x');
  transfer(cluster, 'b');
  cluster.tick(9);
  expect(cluster.status('a').transferringTo).toBe('b');
  cluster.tick(1);
  expect(cluster.status('a')).toMatchObject({ role: 'leader', transferringTo: undefined });
  cluster.propose('y');
  cluster.tick(1);
  expect(cluster.commands('c')).toEqual(['x', 'y']);
});

test('a transfer to a server that is down leaves the leader in office', () => {
  const cluster = started();
  cluster.crash('b');
  transfer(cluster, 'b');
  cluster.tick(12);
  expect(cluster.status('a').role).toBe('leader');
  cluster.propose('x');
});

test('to a learner, a stranger or a removed server: refused', () => {
  const cluster = started();
  cluster.add('d');
  cluster.leader.input((core) => core.changeMembership([{ kind: 'add-learner', id: 'd' }]));
  cluster.settle();
  cluster.leader.input((core) => core.changeMembership([{ kind: 'remove', id: 'c' }]));
  cluster.settle();
  for (const id of ['c', 'd', 'z']) expect(transfer(cluster, id)).toMatchObject({ refusal: { reason: 'invalid' } });
});

test('removing the target calls the transfer off', () => {
  const lone = new LoneCore();
  lone.lead();
  lone.storeAll();
  lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 1 });
  lone.core.changeMembership([{ kind: 'remove', id: 'c' }], { joint: true });
  lone.core.transferLeadership('b');
  expect(lone.core.status().transferringTo).toBe('b');
  expect(lone.core.transferLeadership('c')).toMatchObject({ refusal: { reason: 'invalid' } });
});

test('to itself: nothing, or the end of another transfer', () => {
  const cluster = started();
  cluster.isolate('b');
  cluster.propose('x');
  transfer(cluster, 'b');
  expect(transfer(cluster, 'a')).toEqual({ accepted: true });
  expect(cluster.status('a')).toMatchObject({ role: 'leader', transferringTo: undefined });
});

test('another target takes the place of the first', () => {
  const cluster = started();
  cluster.isolate('b');
  cluster.propose('x');
  cluster.settle();
  transfer(cluster, 'b');
  transfer(cluster, 'c');
  cluster.settle();
  expect(cluster.leader.id).toBe('c');
});

test('a transfer that comes late, to a server that is a learner by now, starts no campaign', () => {
  const cluster = started();
  cluster.leader.input((core) => core.changeMembership([{ kind: 'add-learner', id: 'b' }]));
  cluster.settle();
  const message = { type: 'timeout-now', from: 'a', to: 'b', term: 1 } as const;
  cluster.server('b').receive({ kind: 'message', from: 'a', to: 'b', message });
  expect(cluster.status('b')).toMatchObject({ role: 'follower', term: 1 });
});

test('there is no lease during a transfer, nor after one was called off: the target may still campaign', () => {
  const cluster = started();
  cluster.tick(1);
  const { core } = cluster.server('a');
  expect(core.leaseReadIndex()).toBe(1);
  cluster.lose((packet) => packet.kind === 'message' && packet.message.type === 'timeout-now');
  transfer(cluster, 'b');
  cluster.settle();
  expect(core.leaseReadIndex()).toBeUndefined();
  cluster.tick(15);
  expect(core.status()).toMatchObject({ role: 'leader', transferringTo: undefined });
  expect(core.leaseReadIndex()).toBeUndefined();
});

test('a transfer that never came to its message leaves the lease as it was', () => {
  const cluster = started();
  cluster.isolate('b');
  cluster.propose('x');
  transfer(cluster, 'b');
  expect(cluster.server('a').core.leaseReadIndex()).toBeUndefined();
  cluster.tick(11);
  expect(cluster.server('a').core.leaseReadIndex()).toBe(2);
});

test('the message of a campaign on the leader’s behalf says so, and skips the pre-vote', () => {
  const lone = new LoneCore({ terms: [1] });
  const ready = lone.step({ type: 'timeout-now', from: 'b', term: 1 });
  expect(messagesOf(ready, 'vote-request')).toMatchObject([
    { to: 'b', term: 2, preVote: false, transfer: true },
    { to: 'c', term: 2, preVote: false, transfer: true },
  ]);
});
