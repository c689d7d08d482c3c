import { describe, expect, test } from 'vitest';
import { type Configuration, initialConfiguration, type MembershipChange } from '../src/index.ts';
import { Cluster } from './support/cluster.ts';
import { LoneCore } from './support/lone-core.ts';

function change(cluster: Cluster, ...changes: MembershipChange[]): ReturnType<typeof tryChange> {
  const proposal = tryChange(cluster, ...changes);
  expect(proposal).toMatchObject({ accepted: true });
  return proposal;
}

function tryChange(cluster: Cluster, ...changes: MembershipChange[]) {
  return cluster.leader.input((core) => core.changeMembership(changes));
}

const add = (id: string): MembershipChange => ({ kind: 'add-voter', id });
const learn = (id: string): MembershipChange => ({ kind: 'add-learner', id });
const remove = (id: string): MembershipChange => ({ kind: 'remove', id });

function started(...extra: string[]): Cluster {
  const cluster = new Cluster(['a', 'b', 'c']);
  for (const id of extra) cluster.add(id);
  cluster.elect('a');
  return cluster;
}

test('one voter at a time goes without a joint configuration, and is in force once appended (thesis 4.1)', () => {
  const cluster = started('d');
  change(cluster, add('d'));
  expect(cluster.status('a').configuration).toEqual({
    voters: ['a', 'b', 'c', 'd'],
    outgoing: [],
    learners: [],
    autoLeave: false,
  });
  cluster.settle();
  expect(cluster.status('d')).toMatchObject({ configuration: { voters: ['a', 'b', 'c', 'd'] }, leader: 'a' });
  // Four voters: two of them are no majority.
  cluster.isolate('c', 'd');
  cluster.propose('x');
  cluster.settle();
  expect(cluster.commands('a')).toEqual([]);
});

test('a learner gets everything, counts for nothing, and is promoted', () => {
  const cluster = started('d');
  cluster.propose('x');
  change(cluster, learn('d'));
  cluster.settle();
  expect(cluster.commands('d')).toEqual(['x']);
  cluster.tick(50, 'd');
  expect(cluster.status('d').role).toBe('follower');
  change(cluster, add('d'));
  cluster.settle();
  expect(cluster.status('b').configuration).toMatchObject({ voters: ['a', 'b', 'c', 'd'], learners: [] });
  cluster.crash('a');
  cluster.elect('d');
});

test('a demoted voter becomes a learner', () => {
  const cluster = started();
  change(cluster, learn('c'));
  cluster.settle();
  expect(cluster.status('c').configuration).toEqual(initialConfiguration(['a', 'b'], ['c']));
  cluster.propose('x');
  cluster.settle();
  expect(cluster.commands('c')).toEqual(['x']);
});

test('several voters change through a joint configuration, which is left by itself (6)', () => {
  const cluster = started('d', 'e');
  change(cluster, add('d'), add('e'), remove('b'), remove('c'));
  expect(cluster.status('a').configuration).toEqual({
    voters: ['a', 'd', 'e'],
    outgoing: ['a', 'b', 'c'],
    learners: [],
    autoLeave: true,
  });
  cluster.settle();
  for (const id of ['a', 'd', 'e'])
    expect(cluster.status(id).configuration, id).toEqual(initialConfiguration(['a', 'd', 'e']));
  cluster.isolate('b', 'c');
  cluster.propose('x');
  cluster.tick(1);
  expect(cluster.commands('e')).toEqual(['x']);
});

test('while joint, each decision takes a majority of both halves', () => {
  const cluster = started('d', 'e');
  cluster.leader.input((core) =>
    core.changeMembership([add('d'), add('e'), remove('b'), remove('c')], { autoLeave: false }),
  );
  cluster.settle();
  for (const lost of [
    ['b', 'c'],
    ['d', 'e'],
  ]) {
    cluster.isolate(...lost);
    const before = cluster.commands('a').length;
    cluster.propose('x');
    cluster.settle();
    expect(cluster.commands('a')).toHaveLength(before);
    cluster.heal();
    cluster.tick(2);
    expect(cluster.commands('a').length).toBeGreaterThan(before);
  }
  cluster.isolate('c', 'e');
  cluster.propose('y');
  cluster.settle();
  expect(cluster.commands('a').at(-1)).toBe('y');
});

test('a joint configuration that does not leave by itself is left when asked', () => {
  const cluster = started('d');
  const leader = cluster.leader;
  expect(leader.input((core) => core.leaveJoint())).toMatchObject({ refusal: { reason: 'invalid' } });
  leader.input((core) => core.changeMembership([add('d')], { joint: true, autoLeave: false }));
  expect(leader.input((core) => core.leaveJoint())).toMatchObject({ refusal: { reason: 'change-pending' } });
  cluster.settle();
  cluster.tick(5);
  expect(leader.status.configuration.outgoing).toEqual(['a', 'b', 'c']);
  expect(tryChange(cluster, remove('d'))).toMatchObject({ refusal: { reason: 'change-pending' } });
  expect(leader.input((core) => core.leaveJoint())).toMatchObject({ accepted: true });
  cluster.settle();
  expect(cluster.status('d').configuration).toEqual(initialConfiguration(['a', 'b', 'c', 'd']));
});

test('one change at a time, and none before an entry of the own term is committed (correction of 2015)', () => {
  const lone = new LoneCore({ terms: [1] });
  lone.lead();
  expect(lone.core.changeMembership([add('d')])).toEqual({
    accepted: false,
    refusal: { reason: 'term-not-committed' },
  });
  lone.step({ type: 'append-accepted', from: 'b', term: 2, matchIndex: 1 });
  lone.storeAll();
  expect(lone.core.status().commitIndex).toBe(0);
  expect(lone.core.changeMembership([add('d')])).toMatchObject({ refusal: { reason: 'term-not-committed' } });
  lone.step({ type: 'append-accepted', from: 'b', term: 2, matchIndex: 2 });
  expect(lone.core.status().commitIndex).toBe(2);
  expect(lone.core.changeMembership([add('d')])).toMatchObject({ accepted: true, first: 3 });
  expect(lone.core.changeMembership([add('e')])).toEqual({ accepted: false, refusal: { reason: 'change-pending' } });
});

test('the history behind that correction: two leaders, each with a change of its own, never commit by majorities that do not meet', () => {
  const cluster = new Cluster(['a', 'b', 'c', 'd']);
  cluster.add('e');
  cluster.elect('a');
  // a adds e, but tells nobody but e.
  cluster.lose(({ from, to }) => from === 'a' && to !== 'e');
  change(cluster, add('e'));
  cluster.settle();
  cluster.isolate('a', 'e');
  const b = cluster.elect('b');
  // b would remove d now; it first has to commit in its own term, with c and d of the old configuration.
  expect(b.status.commitIndex).toBe(b.status.lastLog.index);
  b.input((core) => core.changeMembership([remove('d')]));
  cluster.settle();
  expect(b.status.configuration.voters).toEqual(['a', 'b', 'c']);
  // a comes back, leads nothing, and loses its change.
  cluster.lose(({ from, to }) => from === 'd' || to === 'd');
  cluster.tick(30);
  expect(cluster.status('a').configuration.voters).toEqual(['a', 'b', 'c']);
});

test('a configuration is rolled back when its entry is cut off', () => {
  const cluster = started('d');
  cluster.isolate('a');
  change(cluster, add('d'));
  expect(cluster.status('a').configuration.voters).toContain('d');
  cluster.elect('b');
  cluster.heal();
  cluster.tick(3);
  expect(cluster.status('a').configuration).toEqual(initialConfiguration(['a', 'b', 'c']));
});

test('a leader that removes itself leads until that is committed, without its own vote; then another one takes over at once (thesis 4.2.2)', () => {
  const cluster = started();
  cluster.isolate('c');
  change(cluster, remove('a'));
  cluster.settle();
  // b alone is no majority of b and c, however much a has.
  expect(cluster.status('a')).toMatchObject({ role: 'leader', commitIndex: 1 });
  cluster.heal();
  cluster.tick(2);
  expect(cluster.status('a')).toMatchObject({ role: 'follower', commitIndex: 2 });
  expect(cluster.leader.id).not.toBe('a');
  cluster.tick(100, 'a');
  expect(cluster.status('a').role).toBe('follower');
});

test('a leader that makes itself a learner steps down and goes on as one', () => {
  const cluster = started();
  change(cluster, learn('a'));
  cluster.tick(3);
  expect(cluster.status('a').role).toBe('follower');
  cluster.propose('x');
  cluster.settle();
  expect(cluster.commands('a')).toEqual(['x']);
});

test('a server that is removed learns it, and does not campaign any more', () => {
  const cluster = started();
  change(cluster, remove('c'));
  cluster.settle();
  expect(cluster.status('c')).toMatchObject({ configuration: { voters: ['a', 'b'] }, commitIndex: 2 });
  cluster.tick(100, 'c');
  expect(cluster.status('c')).toMatchObject({ role: 'follower', term: 1 });
});

test('a removed server that does not know it disturbs nobody (4.2.3)', () => {
  const cluster = started();
  cluster.isolate('c');
  change(cluster, remove('c'));
  cluster.settle();
  cluster.heal();
  cluster.tick(60);
  expect(cluster.status('c')).toMatchObject({ configuration: { voters: ['a', 'b', 'c'] }, term: 1 });
  expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
});

test('a server that is removed by an entry only it has may still be needed as leader (thesis 4.2.2)', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.elect('a');
  cluster.isolate('b');
  change(cluster, remove('a'));
  cluster.settle();
  cluster.restart('a');
  cluster.heal();
  // b can't be elected: a's log is longer. a isn't in the latest configuration, but alone can commit it.
  cluster.tick(60);
  expect(cluster.status('b')).toMatchObject({ role: 'leader', configuration: { voters: ['b'] } });
});

test('the only voter left waits for the leader’s lease before it campaigns', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.elect('a');
  cluster.tick(1);
  cluster.lose(({ from, to }) => from === 'b' && to === 'a');
  change(cluster, remove('a'));
  cluster.settle();
  expect(cluster.status('b').configuration.voters).toEqual(['b']);
  cluster.tick(1, 'b');
  expect(cluster.status('b').role).toBe('follower');
  expect(cluster.server('a').core.leaseReadIndex()).toBeDefined();
});

test.each([
  { changes: [remove('z')], problem: /Nothing changes/ },
  { changes: [add('a')], problem: /Nothing changes/ },
  { changes: [], problem: /Nothing changes/ },
  { changes: [remove('a'), remove('b'), remove('c')], problem: /last voter/ },
  { changes: [add('')], problem: /id/ },
])('changes that make no sense are refused: $changes', ({ changes, problem }) => {
  expect(tryChange(started(), ...changes)).toMatchObject({
    refusal: { reason: 'invalid', problem: expect.stringMatching(problem) },
  });
});

test('a change of several voters without a joint configuration is refused', () => {
  const proposal = started().leader.input((core) => core.changeMembership([add('d'), add('e')], { joint: false }));
  expect(proposal).toMatchObject({ refusal: { reason: 'invalid', problem: expect.stringContaining('2 voters') } });
});

describe('a joint change with a crash at each step', () => {
  const target: Configuration = initialConfiguration(['a', 'd', 'e']);

  /** Moves one thing at a time: a write, a read, a packet. False: nothing moves any more. */
  function move(cluster: Cluster): boolean {
    for (const server of cluster.servers.values()) {
      if (!server.isUp) continue;
      if (server.storeNext() || server.fillNext() || server.apply()) return true;
    }
    const packet = cluster.packets.shift();
    if (packet === undefined) return false;
    cluster.deliver(packet);
    return true;
  }

  function begin(): Cluster {
    const cluster = started('d', 'e');
    change(cluster, add('d'), add('e'), remove('b'), remove('c'));
    return cluster;
  }

  const whole = begin();
  let steps = 0;
  while (move(whole)) steps++;

  test.each(['a', 'b', 'd', 'everyone'])('of %s', (victim) => {
    expect(steps).toBeGreaterThan(40);
    for (let step = 0; step <= steps; step++) {
      const cluster = begin();
      for (let moves = 0; moves < step; moves++) move(cluster);
      const victims = victim === 'everyone' ? [...cluster.servers.keys()] : [victim];
      for (const id of victims) cluster.restart(id);
      cluster.tick(60);
      // Either the change was lost, or it is complete: never is the cluster left in between.
      const { configuration } = cluster.leader.status;
      expect([initialConfiguration(['a', 'b', 'c']), target], `step ${step}`).toContainEqual(configuration);
      cluster.propose('x');
      cluster.tick(2);
      for (const id of configuration.voters) expect(cluster.commands(id), `step ${step}`).toEqual(['x']);
    }
  });
});
