import { expect, test } from 'vitest';
import type { AppendOrder, Ready } from '../src/index.ts';
import { Cluster } from './support/cluster.ts';
import { entry, LoneCore, messagesOf } from './support/lone-core.ts';

/** A leader of term 1 with this many entries, b known to have the first. */
function leader(options: ConstructorParameters<typeof LoneCore>[0] = {}): LoneCore {
  const lone = new LoneCore({ voters: ['a', 'b'], ...options });
  lone.lead();
  lone.storeAll();
  lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 1 });
  return lone;
}

function propose(lone: LoneCore, bytes = 0): Ready {
  lone.core.propose([Buffer.alloc(bytes)]);
  return lone.ready();
}

test('entries of this turn are sent from memory, without an order to read them back', () => {
  const lone = leader();
  const ready = propose(lone);
  expect(ready.appends).toEqual([]);
  expect(messagesOf(ready, 'append-request')).toMatchObject([
    { previous: { index: 1, term: 1 }, entries: [{ index: 2 }], commitIndex: 1 },
  ]);
});

test('the window bounds the appends on their way, and an answer opens it again', () => {
  const lone = leader({ maxInFlightMessages: 3 });
  const sent = Array.from({ length: 5 }, () => messagesOf(propose(lone), 'append-request').length);
  expect(sent).toEqual([1, 1, 1, 0, 0]);
  expect(lone.core.status().peers.get('b')).toMatchObject({ inFlightMessages: 3, nextIndex: 5 });
  // What waits is read back, in as few messages as it takes.
  const opened = lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 2 });
  expect(opened.appends).toMatchObject([{ to: 'b', first: 5, last: 6 }]);
  const [order] = opened.appends;
  expect(lone.core.fill(order as AppendOrder, [entry(5, 1), entry(6, 1)])).toMatchObject({
    previous: { index: 4 },
    entries: [{ index: 5 }, { index: 6 }],
  });
  expect(lone.core.status().peers.get('b')).toMatchObject({ inFlightMessages: 3, nextIndex: 7 });
  // One answer stands for all before it.
  lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 6 });
  expect(lone.core.status().peers.get('b')).toMatchObject({ inFlightMessages: 0, inFlightBytes: 0, matchIndex: 6 });
});

test('the window bounds the bytes on their way, but lets a single larger entry through', () => {
  const lone = leader({ maxInFlightBytes: 100, maxUncommittedBytes: 10_000 });
  expect(messagesOf(propose(lone, 500), 'append-request')).toHaveLength(1);
  expect(messagesOf(propose(lone, 1), 'append-request')).toHaveLength(0);
  expect(lone.core.status().peers.get('b')?.inFlightBytes).toBe(512);
  const opened = lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 2 });
  expect(opened.appends).toMatchObject([{ first: 3, maxBytes: 100 }]);
});

test('a message holds up to maxMessageBytes, and one entry at least', () => {
  const lone = leader({ maxMessageBytes: 50 });
  lone.core.propose([10, 10, 10, 200, 1].map((bytes) => Buffer.alloc(bytes)));
  const sizes = messagesOf(lone.ready(), 'append-request').map(({ entries }) => entries.length);
  expect(sizes).toEqual([2, 1, 1, 1]);
});

test('a full window is probed without entries when nothing has moved between two heartbeats', () => {
  const lone = leader({ maxInFlightMessages: 1 });
  propose(lone);
  const beat = () =>
    messagesOf(lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round: 1 }), 'append-request');
  expect(beat()).toEqual([]);
  expect(beat()).toMatchObject([{ previous: { index: 2, term: 1 }, entries: [] }]);
  // It was lost indeed: back to what is known, and on from there.
  const rejected = lone.step({
    type: 'append-rejected',
    from: 'b',
    term: 1,
    rejectedIndex: 2,
    hint: { index: 1, term: 1 },
  });
  expect(lone.core.status().peers.get('b')).toMatchObject({ state: 'probe', nextIndex: 2 });
  expect(rejected.appends).toMatchObject([{ first: 2, last: 2 }]);
});

test('a probe is one message at a time, and its answer starts the pipeline', () => {
  const lone = new LoneCore({ voters: ['a', 'b'], terms: [1, 1, 1] });
  expect(messagesOf(lone.lead(), 'append-request')).toMatchObject([
    { previous: { index: 3, term: 1 }, entries: [{ index: 4, term: 2 }] },
  ]);
  expect(propose(lone).appends).toEqual([]);
  const rejected = lone.step({
    type: 'append-rejected',
    from: 'b',
    term: 2,
    rejectedIndex: 3,
    hint: { index: 1, term: 1 },
  });
  expect(rejected.appends).toMatchObject([{ first: 2, last: 5 }]);
  // The same rejection again is about the probe before.
  const again = lone.step({
    type: 'append-rejected',
    from: 'b',
    term: 2,
    rejectedIndex: 3,
    hint: { index: 0, term: 0 },
  });
  expect(again.appends).toEqual([]);
  expect(lone.core.status().peers.get('b')).toMatchObject({ state: 'probe', nextIndex: 2 });
  const [order] = rejected.appends;
  const message = lone.core.fill(order as AppendOrder, [entry(2, 1), entry(3, 1)]);
  expect(message).toMatchObject({ previous: { index: 1, term: 1 } });
  expect(lone.ready().appends).toEqual([]);
  const accepted = lone.step({ type: 'append-accepted', from: 'b', term: 2, matchIndex: 3 });
  expect(accepted.appends).toMatchObject([{ first: 4, last: 5 }]);
  expect(lone.core.status().peers.get('b')).toMatchObject({ state: 'replicate', matchIndex: 3 });
});

test('a probe that is lost is sent again after a sign of life', () => {
  const lone = new LoneCore({ voters: ['a', 'b'] });
  lone.lead();
  const alive = lone.step({ type: 'heartbeat-response', from: 'b', term: 1, round: 1 });
  expect(alive.appends).toMatchObject([{ to: 'b', first: 1, last: 1 }]);
});

test('there is one open order for a peer, and one that is overtaken is void', () => {
  const lone = new LoneCore({ voters: ['a', 'b'], terms: [1] });
  lone.lead();
  const { appends } = lone.step({
    type: 'append-rejected',
    from: 'b',
    term: 2,
    rejectedIndex: 1,
    hint: { index: 0, term: 0 },
  });
  expect(appends).toHaveLength(1);
  const [order] = appends as readonly [AppendOrder];
  expect(propose(lone).appends).toEqual([]);
  // Meanwhile b turns out to have it all.
  lone.step({ type: 'append-accepted', from: 'b', term: 2, matchIndex: 3 });
  expect(lone.core.fill(order, [entry(1, 1), entry(2, 2)])).toBeUndefined();
  expect(lone.core.status().peers.get('b')).toMatchObject({ matchIndex: 3, nextIndex: 4 });
});

test('an order of an earlier term is void, also if the server leads again', () => {
  const lone = new LoneCore({ voters: ['a', 'b', 'c'], terms: [1] });
  lone.lead();
  const { appends } = lone.step({
    type: 'append-rejected',
    from: 'b',
    term: 2,
    rejectedIndex: 1,
    hint: { index: 0, term: 0 },
  });
  const [order] = appends as readonly [AppendOrder];
  lone.step({
    type: 'append-request',
    from: 'c',
    term: 3,
    previous: { index: 0, term: 0 },
    entries: [entry(1, 3)],
    commitIndex: 0,
  });
  expect(lone.core.fill(order, [entry(1, 1), entry(2, 2)])).toBeUndefined();
  lone.lead();
  expect(lone.core.status()).toMatchObject({ role: 'leader', term: 4 });
  expect(lone.core.fill(order, [entry(1, 1), entry(2, 2)])).toBeUndefined();
});

test('a failed read is not tried again before the peer shows a sign of life', () => {
  const lone = new LoneCore({ voters: ['a', 'b'], terms: [1] });
  lone.lead();
  const { appends } = lone.step({
    type: 'append-rejected',
    from: 'b',
    term: 2,
    rejectedIndex: 1,
    hint: { index: 0, term: 0 },
  });
  expect(lone.core.fill(appends[0] as AppendOrder, undefined)).toBeUndefined();
  expect(lone.ready().appends).toEqual([]);
  expect(lone.step({ type: 'heartbeat-response', from: 'b', term: 2, round: 1 }).appends).toHaveLength(1);
});

test('a peer that is reported unreachable is probed from what it has acknowledged', () => {
  const lone = leader();
  for (let count = 0; count < 5; count++) propose(lone);
  lone.core.reportUnreachable('b');
  expect(lone.core.status().peers.get('b')).toMatchObject({ state: 'probe', nextIndex: 2, inFlightMessages: 0 });
  expect(lone.ready().appends).toMatchObject([{ first: 2, last: 6 }]);
});

test('a leader takes no more than maxUncommittedBytes, and goes on once they are committed', () => {
  const lone = leader({ maxUncommittedBytes: 100 });
  expect(lone.core.propose([Buffer.alloc(500)])).toEqual({ accepted: true, term: 1, first: 2, last: 2 });
  const full = { accepted: false, refusal: { reason: 'too-much-in-flight', bytes: 512, limit: 100 } };
  expect(lone.core.propose([Buffer.alloc(0)])).toEqual(full);
  // An entry that is needed to keep the cluster going is no proposal.
  expect(lone.core.changeMembership([{ kind: 'add-learner', id: 'c' }])).toMatchObject({ accepted: true });
  lone.storeAll();
  lone.step({ type: 'append-accepted', from: 'b', term: 1, matchIndex: 2 });
  expect(lone.core.status().uncommittedBytes).toBe(0);
  expect(lone.core.propose([Buffer.alloc(80)])).toMatchObject({ accepted: true, first: 4 });
});

test('followers learn at once what is committed, without waiting for the next proposal or heartbeat', () => {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  cluster.propose('x');
  cluster.settle();
  for (const id of ['a', 'b', 'c']) expect(cluster.commands(id), id).toEqual(['x']);
});
