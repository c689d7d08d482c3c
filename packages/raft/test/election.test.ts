import { expect, test } from 'vitest';
import { initialConfiguration } from '../src/index.ts';
import { Cluster } from './support/cluster.ts';
import { LoneCore, messagesOf } from './support/lone-core.ts';

test('three servers elect one leader, by the shortest timeout', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.tick(11);
  expect(cluster.roles()).toEqual({ a: 'leader', b: 'follower', c: 'follower' });
  expect(cluster.status('c')).toMatchObject({ leader: 'a', term: 1, votedFor: 'a' });
});

test('a single server leads at its first tick, once its vote is durable, and commits once its disk has the entry', () => {
  const cluster = new Cluster(['a']);
  const a = cluster.server('a');
  a.input((core) => core.tick());
  expect(a.status.role).toBe('candidate');
  cluster.settle();
  expect(a.status.role).toBe('leader');
  cluster.propose('x');
  expect(a.status.commitIndex).toBe(1);
  cluster.settle();
  expect(cluster.commands('a')).toEqual(['x']);
  cluster.restart('a');
  cluster.tick(1);
  expect(a.status.role).toBe('leader');
  expect(cluster.commands('a')).toEqual(['x']);
});

test('a single server whose disk is slow waits for its vote, instead of campaigning again', () => {
  const alone = new LoneCore({ voters: ['a'] });
  alone.core.tick();
  const { write } = alone.core.ready();
  for (let tick = 0; tick < 9; tick++) alone.core.tick();
  expect(alone.core.ready().write).toBe(undefined);
  alone.core.stored(write?.id ?? 0);
  expect(alone.core.status()).toMatchObject({ role: 'leader', term: 1 });
});

test('a vote request leaves only once the own vote is durable, a vote only once it is', () => {
  const candidate = new LoneCore({ preVote: false });
  candidate.core.campaign();
  const ready = candidate.core.ready();
  expect(ready.messages).toEqual([]);
  expect(ready.write?.hardState).toEqual({ currentTerm: 1, votedFor: 'a' });
  expect(ready.messagesAfter.map(({ writeId, message }) => [writeId, message.to])).toEqual([
    [ready.write?.id, 'b'],
    [ready.write?.id, 'c'],
  ]);

  const voter = new LoneCore();
  const vote = voter.step({
    type: 'vote-request',
    from: 'b',
    term: 1,
    preVote: false,
    transfer: false,
    lastLog: { index: 0, term: 0 },
  });
  expect(vote.messages).toEqual([]);
  expect(vote.write?.hardState).toEqual({ currentTerm: 1, votedFor: 'b' });
  expect(vote.messagesAfter).toEqual([
    {
      writeId: vote.write?.id,
      message: { type: 'vote-response', from: 'a', to: 'b', term: 1, preVote: false, granted: true },
    },
  ]);
});

test('a candidate whose own vote is not durable yet does not win with the votes of others that come early', () => {
  const { core } = new LoneCore({ voters: ['a', 'b'], preVote: false });
  core.campaign();
  const { write } = core.ready();
  core.step({ type: 'vote-response', from: 'b', to: 'a', term: 1, preVote: false, granted: true });
  expect(core.status().role).toBe('candidate');
  core.stored(write?.id ?? 0);
  expect(core.status().role).toBe('leader');
});

test('one vote in a term, the same one if asked again', () => {
  const { core } = new LoneCore();
  const request = {
    type: 'vote-request',
    to: 'a',
    term: 1,
    preVote: false,
    transfer: false,
    lastLog: { index: 0, term: 0 },
  } as const;
  const answers = ['b', 'c', 'b'].map((from) => {
    core.step({ ...request, from });
    return messagesOf(core.ready(), 'vote-response')[0]?.granted;
  });
  expect(answers).toEqual([true, false, true]);
});

test.each([
  { log: [1, 1], candidate: { index: 1, term: 1 }, granted: false, why: 'shorter' },
  { log: [1, 1], candidate: { index: 2, term: 1 }, granted: true, why: 'equal' },
  { log: [1, 1], candidate: { index: 1, term: 2 }, granted: true, why: 'shorter, but of a later term' },
  { log: [1, 2], candidate: { index: 9, term: 1 }, granted: false, why: 'longer, but of an earlier term' },
])('election restriction (5.4.1): a log that is $why', ({ log, candidate, granted }) => {
  for (const preVote of [true, false]) {
    const lone = new LoneCore({ terms: log, currentTerm: 3 });
    lone.tick(9);
    lone.core.tick();
    const ready = lone.step({ type: 'vote-request', from: 'b', term: 5, preVote, transfer: false, lastLog: candidate });
    // At the tenth tick its own timeout has passed as well: its pre-vote changes nothing about its vote.
    expect(messagesOf(ready, 'vote-response')).toMatchObject([{ to: 'b', preVote, granted }]);
  }
});

test('a split vote is resolved by the next timeouts, which differ', () => {
  const cluster = new Cluster(['a', 'b', 'c', 'd'], { preVote: false });
  cluster.lose(({ from, to }) => ['a', 'b'].includes(from) !== ['a', 'b'].includes(to));
  for (const id of ['a', 'c']) cluster.server(id).input((core) => core.campaign());
  cluster.settle();
  expect(cluster.roles()).toMatchObject({ a: 'candidate', c: 'candidate' });
  cluster.heal();
  cluster.tick(12);
  expect(cluster.roles()).toMatchObject({ a: 'leader', c: 'follower' });
});

test('votes from an earlier campaign do not count, nor does the grant of a pre-vote as a vote', () => {
  const { core } = new LoneCore({ voters: ['a', 'b', 'c', 'd', 'e'], preVote: false });
  core.campaign();
  core.stored(core.ready().write?.id ?? 0);
  core.step({ type: 'vote-response', from: 'b', to: 'a', term: 1, preVote: false, granted: true });
  for (let tick = 0; tick < 10; tick++) core.tick();
  expect(core.status()).toMatchObject({ role: 'candidate', term: 2 });
  core.stored(core.ready().write?.id ?? 0);
  core.step({ type: 'vote-response', from: 'c', to: 'a', term: 1, preVote: false, granted: true });
  core.step({ type: 'vote-response', from: 'd', to: 'a', term: 3, preVote: true, granted: true });
  core.step({ type: 'vote-response', from: 'e', to: 'a', term: 2, preVote: false, granted: true });
  expect(core.status().role).toBe('candidate');
});

test('disruptive rejoin, with pre-vote: a server that was cut off comes back in its old term, and nobody minds', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  cluster.isolate('c');
  cluster.tick(100);
  expect(cluster.status('c')).toMatchObject({ role: 'pre-candidate', term: 1 });
  cluster.heal();
  cluster.tick(20);
  expect(cluster.roles()).toEqual({ a: 'leader', b: 'follower', c: 'follower' });
  expect(cluster.status('a').term).toBe(1);
});

test('disruptive rejoin, without pre-vote: loyal servers ignore it, the leader learns its term, and one election brings all together', () => {
  const cluster = new Cluster(['a', 'b', 'c'], { preVote: false });
  cluster.elect('a');
  cluster.isolate('c');
  cluster.tick(100);
  const { term } = cluster.status('c');
  expect(term).toBeGreaterThan(5);

  const b = cluster.server('b');
  b.receive({
    kind: 'message',
    from: 'c',
    to: 'b',
    message: {
      type: 'vote-request',
      from: 'c',
      to: 'b',
      term,
      preVote: false,
      transfer: false,
      lastLog: { index: 1, term: 1 },
    },
  });
  expect(b.status).toMatchObject({ term: 1, leader: 'a' });

  cluster.heal();
  cluster.tick(40);
  expect(cluster.leader.status.term).toBeGreaterThan(term);
  expect(Object.values(cluster.roles()).filter((role) => role === 'follower')).toHaveLength(2);
});

test('a pre-vote is refused by whoever hears from the leader, and by whoever has more in its log', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  cluster.lose(({ from, to }) => from === 'a' && to === 'c');
  cluster.tick(40);
  expect(cluster.status('a')).toMatchObject({ role: 'leader', term: 1 });
  expect(cluster.status('c').role).not.toBe('leader');
});

test('check-quorum: a leader that hears from no quorum steps down within an election timeout', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  cluster.isolate('a');
  cluster.tick(9, 'a');
  expect(cluster.status('a').role).toBe('leader');
  cluster.tick(1, 'a');
  expect(cluster.status('a')).toMatchObject({ role: 'follower', term: 1, leader: undefined });
});

test('check-quorum counts voters, not learners', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.add('d');
  cluster.elect('a').input((core) => core.changeMembership([{ kind: 'add-learner', id: 'd' }]));
  cluster.settle();
  cluster.isolate('b', 'c');
  cluster.tick(10);
  expect(cluster.status('a').role).toBe('follower');
});

test('without check-quorum a leader stays one until it hears of a higher term, and has no lease', () => {
  const cluster = new Cluster(['a', 'b', 'c'], { checkQuorum: false });
  cluster.elect('a');
  cluster.isolate('a');
  cluster.tick(50);
  expect(cluster.server('a').status.role).toBe('leader');
  expect(cluster.server('a').core.leaseReadIndex()).toBeUndefined();
  expect(cluster.leader.id).not.toBe('a');
  cluster.heal();
  cluster.tick(1);
  expect(cluster.status('a').role).toBe('follower');
});

test('a server that starts again holds back for an election timeout: the leader may have a lease on it', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  cluster.restart('b');
  cluster.isolate('a');
  cluster.tick(40, 'c');
  expect(cluster.status('c').role).toBe('pre-candidate');
  cluster.tick(10, 'b');
  cluster.tick(20, 'c');
  expect(cluster.status('c').role).toBe('leader');
});

test('campaign() does nothing where a leader was heard, whose lease counts on it', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  cluster.server('b').input((core) => core.campaign());
  expect(cluster.status('b').role).toBe('follower');
  cluster.server('a').input((core) => core.campaign());
  expect(cluster.status('a').role).toBe('leader');
});

test('learners and servers that are no members do not campaign, but vote', () => {
  const configuration = initialConfiguration(['b', 'c'], ['a']);
  const lone = new LoneCore({ configuration });
  lone.tick(100);
  expect(lone.core.status().role).toBe('follower');
  const ready = lone.step({
    type: 'vote-request',
    from: 'b',
    term: 1,
    preVote: false,
    transfer: false,
    lastLog: { index: 0, term: 0 },
  });
  expect(messagesOf(ready, 'vote-response')).toMatchObject([{ granted: true }]);
});

test('a candidate whose log is too short does not hold back those that can be elected', () => {
  const cluster = new Cluster(['a', 'b', 'c'], { preVote: false, checkQuorum: false });
  cluster.preload('a', [1, 1], 1);
  cluster.preload('b', [1, 1], 1);
  cluster.preload('c', [], 1);
  // Asks every few ticks, more often than the others' timeouts, each time in a higher term.
  for (let round = 2; round < 6; round++) {
    for (const to of ['a', 'b']) {
      const message = {
        type: 'vote-request',
        from: 'c',
        to,
        term: round,
        preVote: false,
        transfer: false,
        lastLog: { index: 0, term: 0 },
      } as const;
      cluster.server(to).receive({ kind: 'message', from: 'c', to, message });
    }
    cluster.tick(3, 'a');
  }
  expect(cluster.status('a').role).toBe('leader');
});

test('a late refusal of an earlier campaign does not shut out the vote of the present one', () => {
  const voter = new LoneCore({ currentTerm: 4 });
  voter.tick(10);
  const request = {
    type: 'vote-request',
    from: 'c',
    preVote: false,
    transfer: false,
    lastLog: { index: 0, term: 0 },
  } as const;
  const [refusal] = messagesOf(voter.step({ ...request, term: 3 }), 'vote-response');
  const [grant] = messagesOf(voter.step({ ...request, term: 4 }), 'vote-response');
  expect([refusal, grant]).toMatchObject([
    { term: 4, granted: false },
    { term: 4, granted: true },
  ]);

  const candidate = new LoneCore({ currentTerm: 3, preVote: false });
  candidate.tick(10);
  candidate.storeAll();
  expect(candidate.core.status()).toMatchObject({ role: 'candidate', term: 4 });
  candidate.step({ type: 'vote-response', from: 'b', term: 4, preVote: false, granted: false });
  expect(candidate.core.status().role).toBe('candidate');
  candidate.step({ type: 'vote-response', from: 'b', term: 4, preVote: false, granted: true });
  expect(candidate.core.status().role).toBe('leader');
});
