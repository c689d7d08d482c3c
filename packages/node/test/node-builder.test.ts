import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import type { StorageEngine } from '@raftlog/core';
import { expect, onTestFinished, test } from 'vitest';
import { InMemoryHub, KeyValueStateMachine, NodeBuilder, type NodeConfig, type RaftNode } from '../src/index.ts';

const config: NodeConfig = { clusterId: 'c', nodeId: 'n1', members: { voters: ['n1'] } };

async function memory(): Promise<StorageEngine> {
  const engine = await MemoryStorageEngine.open({});
  onTestFinished(() => engine.close());
  return engine;
}

async function build(changes: Partial<NodeConfig>, engine?: StorageEngine): Promise<RaftNode> {
  const { nodeId = 'n1' } = changes;
  return new NodeBuilder({ ...config, ...changes })
    .storageEngine(engine ?? (await memory()), { allowVolatile: true })
    .stateMachine(new KeyValueStateMachine())
    .transport(new InMemoryHub().transport(nodeId))
    .build();
}

test('build() asks for storage engine, state machine and transport: the compiler does, and so does the program', async () => {
  const engine = await memory();
  const machine = new KeyValueStateMachine();
  const transport = new InMemoryHub().transport('n1');
  const start = (): NodeBuilder => new NodeBuilder(config);
  // @ts-expect-error There is nothing.
  await expect(start().build()).rejects.toMatchObject({ code: 'NO_STORAGE_ENGINE' });
  // @ts-expect-error There is no storage engine.
  await expect(start().stateMachine(machine).transport(transport).build()).rejects.toMatchObject({
    code: 'NO_STORAGE_ENGINE',
  });
  // @ts-expect-error There is no state machine.
  await expect(start().storageEngine(engine).transport(transport).build()).rejects.toMatchObject({
    code: 'NO_STATE_MACHINE',
  });
  // @ts-expect-error There is no transport.
  await expect(start().stateMachine(machine).storageEngine(engine).build()).rejects.toMatchObject({
    code: 'NO_TRANSPORT',
  });
  // In any order, with the options between.
  const random = (): number => 0;
  const whole = start().transport(transport).random(random).storageEngine(engine, { allowVolatile: true });
  await (await whole.stateMachine(machine).build()).close();
});

test('a promise of an engine is no engine', async () => {
  const engine = MemoryStorageEngine.open({});
  const builder = new NodeBuilder(config)
    // @ts-expect-error Nobody has awaited it.
    .storageEngine(engine)
    .stateMachine(new KeyValueStateMachine())
    .transport(new InMemoryHub().transport('n1'));
  await expect(builder.build()).rejects.toMatchObject({ code: 'NO_STORAGE_ENGINE' });
  await (await engine).close();
});

test('a volatile engine has to be allowed', async () => {
  const builder = new NodeBuilder(config)
    .storageEngine(await memory())
    .stateMachine(new KeyValueStateMachine())
    .transport(new InMemoryHub().transport('n1'));
  await expect(builder.build()).rejects.toMatchObject({
    code: 'VOLATILE_ENGINE',
    details: { adaptor: '@raftlog/adaptor-memory' },
    message: expect.stringContaining('allowVolatile'),
  });
});

const WRONG: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ['no cluster id', { clusterId: '' }, 'clusterId'],
  ['a node id that is no string', { nodeId: 7 }, 'nodeId'],
  ['no members', { members: undefined }, 'members'],
  ['no voters', { members: { voters: [] } }, 'members.voters'],
  ['a voter named twice', { members: { voters: ['n1', 'n2', 'n2'] } }, 'members'],
  ['a voter that is a learner', { members: { voters: ['n1', 'n2'], learners: ['n2'] } }, 'members'],
  ['an unknown own id', { members: { voters: ['n2', 'n3'] } }, 'members'],
  ['no election timeout', { electionTimeoutMs: 0 }, 'electionTimeoutMs'],
  ['a heartbeat as long as the election timeout', { electionTimeoutMs: 100, heartbeatMs: 100 }, 'heartbeatMs'],
  ['a tick above the heartbeat', { heartbeatMs: 50, tickMs: 60 }, 'tickMs'],
  ['a lease margin as long as the election timeout', { leaseMarginMs: 1_000 }, 'leaseMarginMs'],
  ['a request timeout that is no number', { requestTimeoutMs: Number.NaN }, 'requestTimeoutMs'],
  ['a limit of nothing', { limits: { maxWaiting: 0 } }, 'limits.maxWaiting'],
  ['larger commands than the engine takes', { limits: { maxCommandBytes: 2 ** 40 } }, 'limits.maxCommandBytes'],
  ['half an entry to keep', { snapshots: { keepEntries: 0.5 } }, 'snapshots.keepEntries'],
  ['an answer that is neither yes nor no', { forward: 'yes' }, 'forward'],
];

test.each(WRONG)('%s is refused', async (_what, changes, option) => {
  const engine = await memory();
  await expect(build(changes as Partial<NodeConfig>, engine)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    details: { option },
    message: expect.stringContaining('must be'),
  });
  // Refused before anything was written.
  expect(await engine.snapshotStore.list()).toEqual([]);
});

test('the storage of another node or cluster is refused, untouched', async () => {
  const engine = await memory();
  await (await build({}, engine)).close();
  const before = await engine.snapshotStore.list();
  for (const other of [{ clusterId: 'other' }, { nodeId: 'n2', members: { voters: ['n2'] } }]) {
    await expect(build(other, engine)).rejects.toMatchObject({
      code: 'FOREIGN_STORAGE',
      details: { found: { clusterId: 'c', nodeId: 'n1' } },
    });
  }
  expect(await engine.snapshotStore.list()).toEqual(before);
  await (await build({}, engine)).close();
});

test('a log that no node wrote is refused', async () => {
  const engine = await memory();
  await engine.write({ entries: [{ index: 1, term: 1, kind: 'command', data: Buffer.from('x') }] });
  await expect(build({}, engine)).rejects.toMatchObject({ code: 'FOREIGN_STORAGE', details: { found: undefined } });
});

test('a node that was to join does not begin a cluster of its own, whatever it is told later', async () => {
  const engine = await memory();
  await (await build({ members: 'join' }, engine)).close();
  await (await build({}, engine)).close();
  expect(engine.logStore.lastIndex).toBe(0);
});

test('the first entry is written again where a crash came before it', async () => {
  const engine = await memory();
  await (await build({}, engine)).close();
  expect((await engine.logStore.entry(1))?.kind).toBe('config');
  await engine.logStore.reset();
  // By the claim, not by what the node is told by now.
  await (await build({ members: { voters: ['n1', 'n2'] } }, engine)).close();
  const entry = await engine.logStore.entry(1);
  expect(Buffer.from(entry?.data ?? []).toString()).not.toContain('n2');
});

test('a signal that has fired builds nothing', async () => {
  const engine = await memory();
  const builder = new NodeBuilder(config, { signal: AbortSignal.abort() })
    .storageEngine(engine, { allowVolatile: true, closeWithNode: true })
    .stateMachine(new KeyValueStateMachine())
    .transport(new InMemoryHub().transport('n1'));
  await expect(builder.build()).rejects.toMatchObject({ code: 'STOPPED' });
  // It was given away, so it is closed.
  await expect(engine.write({ entries: [] })).rejects.toMatchObject({ code: 'CLOSED' });
});

test('a node that was not started says so', async () => {
  const node = await build({});
  expect(() => node.status()).toThrow(expect.objectContaining({ code: 'NOT_STARTED' }));
  await expect(node.propose(Buffer.from('x'))).rejects.toMatchObject({ code: 'NOT_STARTED' });
  await node.close();
  await expect(node.start()).rejects.toMatchObject({ code: 'STOPPED' });
});
