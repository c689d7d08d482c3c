import { expect, test } from 'vitest';
import { initialConfiguration, LogDescriber, type Message, RaftCore, type RaftOptions } from '../src/index.ts';
import { entry, LoneCore } from './support/lone-core.ts';

const log = new LogDescriber(undefined, initialConfiguration(['a', 'b', 'c'])).describe();
const options: RaftOptions = { id: 'a', hardState: undefined, log, randomInt: () => 0 };

test.each<[string, Partial<RaftOptions>]>([
  ['id', { id: '' }],
  ['electionTicks', { electionTicks: 1 }],
  ['electionTicks', { electionTicks: 5, heartbeatTicks: 5 }],
  ['heartbeatTicks', { heartbeatTicks: 0 }],
  ['leaseMarginTicks', { leaseMarginTicks: 11 }],
  ['leaseMarginTicks', { leaseMarginTicks: 0 }],
  ['maxMessageBytes', { maxMessageBytes: 0.5 }],
  ['maxInFlightMessages', { maxInFlightMessages: 0 }],
  ['maxInFlightBytes', { maxInFlightBytes: Number.NaN }],
  ['maxUncommittedBytes', { maxUncommittedBytes: -1 }],
  ['appliedIndex', { appliedIndex: 1 }],
  [
    'hardState',
    {
      log: { ...log, lastIndex: 1, terms: [{ first: 1, term: 3 }] },
      hardState: { currentTerm: 2, votedFor: undefined },
    },
  ],
])('a bad %s is refused, with what to change', (option, wrong) => {
  expect(() => new RaftCore({ ...options, ...wrong })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`option ${option} must be`) }),
  );
});

test('a log is described by its terms and configurations alone', () => {
  const describer = new LogDescriber({ index: 4, term: 2 }, initialConfiguration(['a']));
  for (const [index, term] of [
    [5, 2],
    [6, 2],
    [7, 4],
    [8, 4],
  ] as const)
    describer.add(entry(index, term));
  expect(describer.describe()).toEqual({
    boundary: { index: 4, term: 2 },
    lastIndex: 8,
    terms: [
      { first: 5, term: 2 },
      { first: 7, term: 4 },
    ],
    configurations: [{ index: 4, configuration: initialConfiguration(['a']) }],
  });
});

test('proposals and changes to a server that does not lead name the one that does', () => {
  const lone = new LoneCore();
  const refused = (leader: string | undefined) => ({ accepted: false, refusal: { reason: 'not-leader', leader } });
  expect(lone.core.propose([Buffer.from('x')])).toEqual(refused(undefined));
  lone.step({ type: 'heartbeat', from: 'b', term: 1, round: 1, commitIndex: 0 });
  expect(lone.core.propose([Buffer.from('x')])).toEqual(refused('b'));
  expect(lone.core.changeMembership([{ kind: 'remove', id: 'c' }])).toEqual(refused('b'));
  expect(lone.core.leaveJoint()).toEqual(refused('b'));
  expect(lone.core.transferLeadership('c')).toEqual(refused('b'));
});

test('mistakes of the host are refused before anything has changed', () => {
  const { core } = new LoneCore();
  for (const mistake of [
    () => core.propose([]),
    () => core.stored(1),
    () => core.applied(1),
    () => core.compacted({ index: 1, term: 1 }),
  ]) {
    expect(mistake).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  }
  expect(core.fill({ id: 1, to: 'b', first: 1, last: 1, maxBytes: 1 }, [])).toBeUndefined();
  core.snapshotSent({ id: 1, to: 'b' }, undefined);
  core.reportUnreachable('b');
});

test('messages that no core sends are refused before anything has changed', () => {
  const { core } = new LoneCore();
  const append = {
    type: 'append-request',
    from: 'b',
    to: 'a',
    term: 2,
    previous: { index: 0, term: 0 },
    commitIndex: 0,
  } as const;
  const malformed: Message[] = [
    { ...append, to: 'b', entries: [] },
    { ...append, from: 'a', entries: [] },
    { ...append, term: -1, entries: [] },
    { ...append, term: 1.5, entries: [] },
    { ...append, entries: [entry(2, 1)] },
    { ...append, entries: [entry(1, 1), entry(3, 1)] },
    { ...append, entries: [entry(1, 2), entry(2, 1)] },
    { ...append, entries: [entry(1, 3)] },
    { ...append, entries: [{ ...entry(1, 1, 'rubbish'), kind: 'config' }] },
  ];
  for (const message of malformed)
    expect(() => core.step(message)).toThrow(expect.objectContaining({ code: 'MALFORMED_MESSAGE' }));
  expect(core.status()).toMatchObject({ term: 0, lastLog: { index: 0 } });
});

test('ready tells of changes once', () => {
  const lone = new LoneCore();
  const first = lone.ready();
  expect(first.leadership).toEqual({ role: 'follower', term: 0, leader: undefined });
  expect(first.configuration).toEqual(initialConfiguration(['a', 'b', 'c']));
  expect(lone.ready()).toMatchObject({
    leadership: undefined,
    configuration: undefined,
    write: undefined,
    messages: [],
  });
  const ready = lone.step({ type: 'heartbeat', from: 'b', term: 4, round: 1, commitIndex: 0 });
  expect(ready.leadership).toEqual({ role: 'follower', term: 4, leader: 'b' });
  expect(ready.write?.hardState).toEqual({ currentTerm: 4, votedFor: undefined });
});

test('the same inputs have the same effects', () => {
  const run = () => {
    const lone = new LoneCore({ terms: [1, 1, 2] });
    return JSON.stringify([
      lone.lead(),
      lone.step({ type: 'append-rejected', from: 'b', term: 3, rejectedIndex: 3, hint: { index: 1, term: 1 } }),
      lone.tick(3),
    ]);
  };
  expect(run()).toBe(run());
});
