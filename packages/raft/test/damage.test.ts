import { expect, test } from 'vitest';
import { initialConfiguration, LogDescriber, RaftCore } from '../src/index.ts';
import { Cluster } from './support/cluster.ts';
import { entry } from './support/lone-core.ts';

/** Three servers with five entries, all committed and durable; c finds its own damaged from the third on. */
function damaged(): Cluster {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.elect('a');
  for (const command of ['1', '2', '3', '4']) cluster.propose(command);
  cluster.settle();
  cluster.crash('c');
  cluster.server('c').storage.damageFrom(3);
  cluster.server('c').start();
  return cluster;
}

test('a server with a damaged log neither votes nor campaigns', () => {
  const cluster = damaged();
  cluster.isolate('a');
  expect(cluster.status('c')).toMatchObject({ damaged: true, lastLog: { index: 2 } });
  cluster.tick(60);
  expect(cluster.status('c')).toMatchObject({ role: 'follower', damaged: true });
  expect(cluster.status('b').role).toBe('pre-candidate');
});

test('the leader replaces what is damaged; then the server takes part again', () => {
  const cluster = damaged();
  cluster.tick(3);
  expect(cluster.commands('c')).toEqual(['1', '2', '3', '4']);
  expect(cluster.status('c').damaged).toBe(false);
  cluster.crash('a');
  cluster.elect('c');
});

test('it takes all that was acknowledged, durably', () => {
  const cluster = damaged();
  const c = cluster.server('c');
  const append = { type: 'append-request', from: 'a', to: 'c', term: 1, commitIndex: 5 } as const;
  const [third, fourth, fifth] = cluster.server('a').storage.read(3, 5, 1e6);
  const receive = (previous: number, ...entries: NonNullable<typeof third>[]) =>
    c.receive({
      kind: 'message',
      from: 'a',
      to: 'c',
      message: { ...append, previous: { index: previous, term: 1 }, entries },
    });
  if (third === undefined || fourth === undefined || fifth === undefined) throw new Error('the leader lacks entries');
  receive(2, third, fourth);
  c.storeNext();
  expect(c.status.damaged).toBe(true);
  receive(4, fifth);
  expect(c.status.damaged).toBe(true);
  c.storeNext();
  expect(c.status.damaged).toBe(false);
  expect(cluster.terms('c')).toEqual([1, 1, 1, 1, 1]);
});

test('an entry of a later term stands for all that was acknowledged before it, also where the log is shorter now', () => {
  const describer = new LogDescriber(undefined, initialConfiguration(['a', 'b', 'c']));
  describer.add(entry(1, 1));
  const log = describer.describe({ from: 2, lastIndex: 9 });
  const core = new RaftCore({ id: 'a', hardState: { currentTerm: 2, votedFor: 'b' }, log, randomInt: () => 0 });
  core.step({
    type: 'append-request',
    from: 'b',
    to: 'a',
    term: 3,
    previous: { index: 1, term: 1 },
    entries: [entry(2, 3)],
    commitIndex: 0,
  });
  const { write } = core.ready();
  expect(write).toMatchObject({ truncateFrom: 2, entries: [{ index: 2 }] });
  expect(core.status().damaged).toBe(true);
  core.stored(write?.id ?? 0);
  expect(core.status().damaged).toBe(false);
});

test('a snapshot that covers the damage ends it too', () => {
  const cluster = damaged();
  cluster.server('a').compact();
  cluster.tick(3);
  expect(cluster.status('c')).toMatchObject({ damaged: false, boundary: { index: 5 } });
});

test('a crash in the midst of it changes nothing: the host remembers what was there', () => {
  for (const stored of [0, 1, 2, 3]) {
    const cluster = damaged();
    const c = cluster.server('c');
    for (let moves = 0; moves < 6 && c.storage.openWrites <= stored; moves++) {
      for (const id of ['a', 'c']) cluster.server(id).input((core) => core.tick());
      for (const packet of cluster.packets.splice(0)) cluster.deliver(packet);
      cluster.server('a').fillNext();
    }
    for (let writes = 0; writes < stored; writes++) c.storage.storeNext();
    cluster.restart('c');
    expect(c.status.damaged, `${stored} writes`).toBe(c.storage.lastIndex < 5 || stored === 0);
    cluster.tick(3);
    expect(c.status.damaged).toBe(false);
    expect(cluster.commands('c')).toEqual(['1', '2', '3', '4']);
  }
});

test('the host can put the damaged entries back itself, as long as nothing has replaced them', () => {
  const cluster = damaged();
  const c = cluster.server('c');
  const whole = cluster.server('a').storage.describe();
  const wrong = () => c.input((core) => core.repaired({ ...whole, damagedFrom: 4 }));
  expect(wrong).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  c.input((core) => core.repaired(whole));
  expect(c.status).toMatchObject({ damaged: false, lastLog: { index: 5 }, storedIndex: 5 });
  expect(() => c.input((core) => core.repaired(whole))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  cluster.tick(2);
  expect(cluster.commands('c')).toEqual(['1', '2', '3', '4']);
});
