import { expect, test } from 'vitest';
import { Cluster } from './support/cluster.ts';
import { entry, LoneCore } from './support/lone-core.ts';

/** Raft paper, figure 7: what a new leader may find. Its own log first. */
const FIGURE_7 = {
  leader: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
  a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
  b: [1, 1, 1, 4],
  c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
  d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
  e: [1, 1, 1, 4, 4, 4, 4],
  f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
};

test('figure 7: the leader brings every follower to its own log, entries missing, extraneous, or both', () => {
  const cluster = new Cluster(Object.keys(FIGURE_7));
  for (const [id, terms] of Object.entries(FIGURE_7)) cluster.preload(id, terms, 7);
  cluster.elect('leader');
  expect(cluster.status('leader').term).toBe(8);
  cluster.tick(3);
  for (const id of Object.keys(FIGURE_7)) {
    expect(cluster.terms(id), id).toEqual([...FIGURE_7.leader, 8]);
    expect(cluster.server(id).applied, id).toHaveLength(11);
  }
});

test('figure 7: with fast back-off, the longest disagreement costs two rejections, not one for each entry (end of section 5.3)', () => {
  const cluster = new Cluster(['leader', 'f', 'g']);
  const long = Array.from({ length: 300 }, (_, index) => 2 + Math.floor(index / 100));
  cluster.preload('leader', [1, 1, 1, ...Array.from({ length: 300 }, () => 5)], 7);
  cluster.preload('f', [1, 1, 1, ...long], 7);
  cluster.preload('g', [1, 1, 1], 7);
  const rejections: string[] = [];
  cluster.lose((packet) => {
    if (packet.kind === 'message' && packet.message.type === 'append-rejected') rejections.push(packet.from);
    return false;
  });
  cluster.elect('leader');
  expect(cluster.terms('f')).toEqual(cluster.terms('leader'));
  expect(rejections.filter((id) => id === 'f').length).toBeLessThanOrEqual(2);
  expect(rejections.filter((id) => id === 'g').length).toBeLessThanOrEqual(2);
});

test('figure 8: an entry of an old term is not committed by counting, only by one of the own term after it', () => {
  const cluster = new Cluster(['s1', 's2', 's3', 's4', 's5']);
  // (b): s1 led in term 2 and got entry 2 to s2; s5 led in term 3 and has another one; (c): s1 leads again, in term 4.
  cluster.preload('s1', [1, 2], 3);
  cluster.preload('s2', [1, 2], 3);
  cluster.preload('s3', [1], 3);
  cluster.preload('s4', [1], 3);
  cluster.preload('s5', [1, 3], 3);
  // The entry of term 4 gets nowhere, but that of term 2 gets to a majority: messages are cut short before the one of term 4.
  cluster.lose(
    ({ to, ...packet }) =>
      to === 's5' ||
      (packet.kind === 'message' &&
        packet.message.type === 'append-request' &&
        packet.message.entries.some(({ term }) => term === 4)),
  );
  cluster.elect('s1');
  expect(cluster.status('s1').term).toBe(4);
  const s3 = cluster.server('s3');
  s3.receive({
    kind: 'message',
    from: 's1',
    to: 's3',
    message: {
      type: 'append-request',
      from: 's1',
      to: 's3',
      term: 4,
      previous: { index: 1, term: 1 },
      entries: [...cluster.server('s1').storage.read(2, 2, 1e6)],
      commitIndex: 0,
    },
  });
  cluster.settle();
  expect(cluster.terms('s3')).toEqual([1, 2]);
  expect(cluster.status('s1').peers.get('s2')?.matchIndex ?? 0).toBeLessThan(3);
  expect(cluster.status('s1').peers.get('s3')?.matchIndex).toBe(2);
  expect(cluster.status('s1').commitIndex).toBe(0);

  // (d): s1 goes before its entry of term 4 is anywhere else; s5 can still win and replace entry 2 everywhere.
  cluster.crash('s1');
  cluster.lose(({ from, to }) => from === 's1' || to === 's1');
  cluster.elect('s5');
  cluster.tick(3);
  expect(cluster.terms('s3').slice(0, 2)).toEqual([1, 3]);
});

test('figure 8, (e): once an entry of the own term is committed, those before it are too', () => {
  const cluster = new Cluster(['s1', 's2', 's3', 's4', 's5']);
  for (const id of ['s1', 's2']) cluster.preload(id, [1, 2], 3);
  for (const id of ['s3', 's4']) cluster.preload(id, [1], 3);
  cluster.preload('s5', [1, 3], 3);
  cluster.isolate('s4', 's5');
  cluster.elect('s1');
  expect(cluster.status('s1').commitIndex).toBe(3);
  cluster.heal();
  cluster.tick(3);
  expect(cluster.terms('s5')).toEqual([1, 2, 4]);
});

test('a leader replicates before its own disk has the entry, and counts itself only once it has', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  const a = cluster.server('a');
  const commitIndex = a.status.commitIndex;
  cluster.propose('x');
  expect(a.storage.openWrites).toBe(1);
  expect(cluster.messages('append-request').map(({ to, entries }) => [to, entries.length])).toEqual([
    ['b', 1],
    ['c', 1],
  ]);
  const deliverTo = (id: string) => {
    const packets = cluster.packets.filter(({ to }) => to === id);
    cluster.packets = cluster.packets.filter(({ to }) => to !== id);
    for (const packet of packets) cluster.deliver(packet);
  };
  deliverTo('b');
  cluster.server('b').storeNext();
  deliverTo('a');
  // One of three durable: b. The leader's own entry isn't.
  expect(a.status.commitIndex).toBe(commitIndex);
  deliverTo('c');
  cluster.server('c').storeNext();
  deliverTo('a');
  // Two of three without the leader: committed, but the leader may not apply what its own log could still lose.
  expect(a.status.commitIndex).toBe(commitIndex + 1);
  expect(a.input((core) => core.ready()).applicable).toBe(commitIndex);
  a.storeNext();
  a.apply();
  expect(cluster.commands('a')).toEqual(['x']);
});

test('a follower acknowledges only what is durable, in whatever order disk and messages come', () => {
  const lone = new LoneCore();
  const append = { type: 'append-request', from: 'b', term: 1, commitIndex: 0 } as const;
  const first = lone.step({ ...append, previous: { index: 0, term: 0 }, entries: [entry(1, 1), entry(2, 1)] });
  expect(first.messages).toEqual([]);
  expect(first.messagesAfter.map(({ writeId, message }) => [writeId, message])).toMatchObject([
    [1, { type: 'append-accepted', matchIndex: 2 }],
  ]);
  const second = lone.step({ ...append, previous: { index: 2, term: 1 }, entries: [entry(3, 1)] });
  expect(second.messagesAfter).toMatchObject([{ writeId: 2, message: { matchIndex: 3 } }]);
  // The same again: nothing is written, but the answer waits for the write that brought it.
  const again = lone.step({ ...append, previous: { index: 0, term: 0 }, entries: [entry(1, 1)] });
  expect(again.write).toBeUndefined();
  expect(again.messagesAfter).toMatchObject([{ writeId: 1, message: { matchIndex: 1 } }]);
  lone.core.stored(1);
  const stored = lone.step({ ...append, previous: { index: 0, term: 0 }, entries: [entry(1, 1)] });
  expect(stored.messages).toMatchObject([{ type: 'append-accepted', matchIndex: 1 }]);
});

test('what a truncation cuts off is not made durable by the older write that brought it', () => {
  const lone = new LoneCore();
  lone.step({
    type: 'append-request',
    from: 'b',
    term: 1,
    previous: { index: 0, term: 0 },
    entries: [entry(1, 1), entry(2, 1), entry(3, 1)],
    commitIndex: 0,
  });
  const cut = lone.step({
    type: 'append-request',
    from: 'c',
    term: 2,
    previous: { index: 1, term: 1 },
    entries: [entry(2, 2)],
    commitIndex: 0,
  });
  expect(cut.write).toMatchObject({
    id: 2,
    truncateFrom: 2,
    entries: [{ index: 2, term: 2 }],
    hardState: { currentTerm: 2 },
  });
  lone.core.stored(1);
  expect(lone.core.status().storedIndex).toBe(1);
  lone.core.stored(2);
  expect(lone.core.status().storedIndex).toBe(2);
});

test('entries that were not taken yet are cut off without a trace', () => {
  const { core } = new LoneCore({ terms: [1] });
  const append = { type: 'append-request', to: 'a', commitIndex: 0 } as const;
  core.step({ ...append, from: 'b', term: 2, previous: { index: 1, term: 1 }, entries: [entry(2, 2), entry(3, 2)] });
  core.step({ ...append, from: 'c', term: 3, previous: { index: 2, term: 2 }, entries: [entry(3, 3)] });
  expect(core.ready().write).toMatchObject({
    entries: [
      { index: 2, term: 2 },
      { index: 3, term: 3 },
    ],
  });
  expect(core.ready().write).toBeUndefined();
});

test('a stale append does not cut off what came after it (5.3)', () => {
  const lone = new LoneCore();
  const append = {
    type: 'append-request',
    from: 'b',
    term: 1,
    previous: { index: 0, term: 0 },
    commitIndex: 0,
  } as const;
  lone.step({ ...append, entries: [entry(1, 1), entry(2, 1), entry(3, 1)] });
  const stale = lone.step({ ...append, entries: [entry(1, 1)] });
  expect(stale.write).toBeUndefined();
  expect(lone.core.status().lastLog.index).toBe(3);
});

test('a follower commits only what the message vouches for: what lies behind may be another leader’s', () => {
  const lone = new LoneCore({ terms: [1, 1, 1], currentTerm: 2 });
  const append = { type: 'append-request', from: 'b', term: 2, commitIndex: 3, entries: [] } as const;
  expect(lone.step({ ...append, previous: { index: 1, term: 1 } }).commitIndex).toBe(1);
  expect(lone.step({ ...append, previous: { index: 2, term: 1 } }).commitIndex).toBe(2);
});

test('stale messages of a leader of an earlier term are answered with the term, so that it steps down; other ones are ignored', () => {
  const lone = new LoneCore({ terms: [1], currentTerm: 5 });
  const append = lone.step({
    type: 'append-request',
    from: 'b',
    term: 3,
    previous: { index: 1, term: 1 },
    entries: [entry(2, 3)],
    commitIndex: 2,
  });
  expect(append.write).toBeUndefined();
  expect(append.commitIndex).toBe(0);
  // It says nothing of the log: if b leads again in term 5, it would take that for an answer to what it has sent in it.
  const answer = { type: 'heartbeat-response', from: 'a', to: 'b', term: 5, round: 0 };
  expect(append.messages).toEqual([answer]);
  expect(lone.step({ type: 'heartbeat', from: 'b', term: 3, round: 1, commitIndex: 1 }).messages).toEqual([answer]);
  for (const type of ['commit-notice', 'timeout-now', 'append-accepted'] as const) {
    expect(lone.step({ type, from: 'b', term: 3, commitIndex: 1, matchIndex: 1 }).messages).toEqual([]);
  }
  expect(lone.core.status()).toMatchObject({ role: 'follower', term: 5, commitIndex: 0, leader: undefined });
});

test('duplicated, reordered and late answers to appends never lower what is known of a peer', () => {
  const lone = new LoneCore();
  lone.lead();
  const { core } = lone;
  for (let count = 0; count < 5; count++) core.propose([Buffer.from('x')]);
  const accepted = { type: 'append-accepted', from: 'b', term: 1 } as const;
  lone.step({ ...accepted, matchIndex: 1 });
  lone.step({ ...accepted, matchIndex: 4 });
  lone.step({ ...accepted, matchIndex: 2 });
  expect(core.status().peers.get('b')).toMatchObject({ matchIndex: 4 });
  lone.step({ ...accepted, matchIndex: 4 });
  expect(core.status().peers.get('b')).toMatchObject({ matchIndex: 4, state: 'replicate', nextIndex: 7 });
  // A rejection of what was accepted since is as late.
  lone.step({ type: 'append-rejected', from: 'b', term: 1, rejectedIndex: 3, hint: { index: 0, term: 0 } });
  expect(core.status().peers.get('b')).toMatchObject({ matchIndex: 4, state: 'replicate' });
});

test('commit does not advance by the acknowledgements of learners', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  for (const id of ['d', 'e']) cluster.add(id);
  cluster.elect('a').input((core) =>
    core.changeMembership([
      { kind: 'add-learner', id: 'd' },
      { kind: 'add-learner', id: 'e' },
    ]),
  );
  cluster.settle();
  const { commitIndex } = cluster.status('a');
  cluster.isolate('b', 'c');
  cluster.propose('x');
  cluster.settle();
  expect(cluster.status('a').peers.get('d')?.matchIndex).toBe(commitIndex + 1);
  expect(cluster.status('a').commitIndex).toBe(commitIndex);
});

test('an append or its answer that is lost is found out by the next heartbeat', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  for (const lost of ['append-request', 'append-accepted']) {
    cluster.lose((packet) => packet.kind === 'message' && packet.message.type === lost);
    cluster.propose(lost);
    cluster.settle();
    cluster.heal();
    cluster.tick(3);
    for (const id of ['a', 'b', 'c']) expect(cluster.commands(id).at(-1)).toBe(lost);
  }
});

test('two leaders in one term stop the server', () => {
  const lone = new LoneCore();
  lone.step({ type: 'heartbeat', from: 'b', term: 1, round: 1, commitIndex: 0 });
  expect(() => lone.step({ type: 'heartbeat', from: 'c', term: 1, round: 1, commitIndex: 0 })).toThrow(
    expect.objectContaining({ code: 'INVARIANT_VIOLATED' }),
  );
});

test('a server that has lost what it acknowledged, or is to replace what is committed, stops', () => {
  const lost = new LoneCore();
  expect(() => lost.step({ type: 'heartbeat', from: 'b', term: 1, round: 1, commitIndex: 7 })).toThrow(
    expect.objectContaining({ code: 'INVARIANT_VIOLATED' }),
  );
  const lone = new LoneCore({ terms: [1, 1, 1] });
  lone.step({ type: 'heartbeat', from: 'b', term: 1, round: 1, commitIndex: 2 });
  const append = {
    type: 'append-request',
    from: 'c',
    term: 2,
    previous: { index: 0, term: 0 },
    commitIndex: 0,
  } as const;
  const entries = [entry(1, 1), entry(2, 1), entry(3, 2)];
  expect(lone.step({ ...append, entries }).write).toMatchObject({ truncateFrom: 3, entries: [{ index: 3, term: 2 }] });
  expect(() => lone.step({ ...append, entries: [entry(1, 1), entry(2, 2)] })).toThrow(
    expect.objectContaining({ code: 'INVARIANT_VIOLATED' }),
  );
});
