import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStorageEngine } from '@raftlog/adaptor-file';
import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import type { StorageEngine } from '@raftlog/core';
import { LossyFileIo } from '@raftlog/core/conformance';
import { expect, onTestFinished, test } from 'vitest';
import {
  encodeKeyValueCommand,
  InMemoryHub,
  KeyValueStateMachine,
  mayBeCommitted,
  NodeBuilder,
  type RaftNode,
} from '../src/index.ts';
import { TestCluster } from './support/test-cluster.ts';

const put = (key: string): Uint8Array => encodeKeyValueCommand({ op: 'put', key, value: Buffer.from(key) });

test('a failed write stops the node, which says so', async () => {
  const cluster = new TestCluster(1);
  const io = new LossyFileIo();
  const engine = await FileStorageEngine.open({ directory: '/store', fileIo: io });
  const node = await cluster.start('n1', {}, engine);
  await cluster.leader();
  const events: unknown[] = [];
  const listen = (event: unknown): void => void events.push(event);
  subscribe('raftlog:node-stop', listen);
  onTestFinished(() => void unsubscribe('raftlog:node-stop', listen));

  io.failAt(1, 'EIO', { operations: ['datasync', 'write'], forever: true });
  const lost = cluster.clock.settle(node.propose(put('x')));
  await expect(lost).rejects.toMatchObject({ code: 'STORAGE_FAILED', details: { outcome: 'unknown' } });
  expect(node.stopped.reason).toMatchObject({ code: 'STORAGE_FAILED', cause: { code: 'STORE_FAILED' } });
  expect(events).toMatchObject([{ clusterId: 'test', nodeId: 'n1', error: { code: 'STORAGE_FAILED' } }]);
  await expect(node.propose(put('y'))).rejects.toMatchObject({ code: 'STORAGE_FAILED', details: { outcome: 'none' } });
  expect(node.status().isRunning).toBe(false);
});

test('a state machine that throws stops the node: it must not skip an entry', async () => {
  class Broken extends KeyValueStateMachine {
    override apply(): readonly Uint8Array[] {
      throw new Error('broken');
    }
  }
  const cluster = await TestCluster.started(1, { machine: () => new Broken() });
  const lost = cluster.clock.settle(cluster.node('n1').propose(put('x')));
  await expect(lost).rejects.toMatchObject({ code: 'STATE_MACHINE_FAILED', cause: { message: 'broken' } });
});

test('a state machine that answers with too few results stops the node', async () => {
  class Silent extends KeyValueStateMachine {
    override apply(): readonly Uint8Array[] {
      return [];
    }
  }
  const cluster = await TestCluster.started(1, { machine: () => new Silent() });
  const lost = cluster.clock.settle(cluster.node('n1').propose(put('x')));
  await expect(lost).rejects.toMatchObject({ code: 'STATE_MACHINE_FAILED' });
});

test('close() ends what is in flight, and leaves a storage that goes on', async () => {
  const cluster = await TestCluster.started(3);
  const leader = await cluster.leader();
  const [other] = cluster.nodes.filter((node) => node !== leader);
  cluster.hub.isolate(leader.nodeId);
  const inFlight = [leader.propose(put('a')), leader.propose(put('b'))];
  const read = leader.read(encodeKeyValueCommand({ op: 'get', key: 'a' }));
  const ends = Promise.allSettled([...inFlight, read]);
  const engine = await cluster.stop(leader.nodeId);
  for (const end of await ends) expect(end).toMatchObject({ status: 'rejected', reason: { code: 'STOPPED' } });
  const [first] = await ends;
  expect(first?.status === 'rejected' && mayBeCommitted(first.reason)).toBe(true);
  await expect(leader.propose(put('c'))).rejects.toMatchObject({ code: 'STOPPED' });

  cluster.hub.heal();
  await cluster.start(leader.nodeId, {}, engine);
  await cluster.level();
  expect(other?.status().isRunning).toBe(true);
});

test('a signal closes the node; the engine too, where the node was given it', async () => {
  const abort = new AbortController();
  const engine = await MemoryStorageEngine.open({});
  const node = await new NodeBuilder(
    { clusterId: 'c', nodeId: 'n1', members: { voters: ['n1'] }, electionTimeoutMs: 20 },
    { signal: abort.signal },
  )
    .storageEngine(engine, { allowVolatile: true, closeWithNode: true })
    .stateMachine(new KeyValueStateMachine())
    .transport(new InMemoryHub().transport('n1'))
    .build();
  await node.start();
  await node.propose(put('x'));
  abort.abort();
  await node.close();
  expect(node.stopped.reason).toMatchObject({ code: 'STOPPED' });
  await expect(engine.write({ hardState: { currentTerm: 99, votedFor: undefined } })).rejects.toMatchObject({
    code: 'CLOSED',
  });
});

test('what is too large, or too much, is refused before anything is proposed', async () => {
  const cluster = await TestCluster.started(1, { config: { limits: { maxCommandBytes: 100, maxWaiting: 3 } } });
  const node = cluster.node('n1');
  await expect(node.propose(new Uint8Array(101))).rejects.toMatchObject({
    code: 'TOO_LARGE',
    details: { bytes: 101, limit: 100 },
  });
  const waiting = [1, 2, 3].map((value) => node.propose(put(`k${value}`)));
  await expect(node.propose(put('k4'))).rejects.toMatchObject({ code: 'BUSY', details: { limit: 3 } });
  await cluster.clock.settle(Promise.all(waiting));
});

test('a real directory is free again once node and engine are closed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'raftlog-node-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (let run = 0; run < 2; run++) {
    const node = await new NodeBuilder({
      clusterId: 'c',
      nodeId: 'n1',
      members: { voters: ['n1'] },
      electionTimeoutMs: 20,
    })
      .storageEngine(await FileStorageEngine.open({ directory }), { closeWithNode: true })
      .stateMachine(new KeyValueStateMachine())
      .transport(new InMemoryHub().transport('n1'))
      .build();
    await node.start();
    await node.propose(put('x'));
    await node.close();
  }
});

test('the engine is closed, whatever fails before it', async () => {
  const build = async (
    closeTransport: () => Promise<void>,
  ): Promise<{ readonly node: RaftNode; readonly engine: StorageEngine }> => {
    const engine = await MemoryStorageEngine.open({});
    const transport = { ...new InMemoryHub().transport('n1'), close: closeTransport };
    const node = await new NodeBuilder({ clusterId: 'test', nodeId: 'n1', members: { voters: ['n1'] } })
      .storageEngine(engine, { allowVolatile: true, closeWithNode: true })
      .stateMachine(new KeyValueStateMachine())
      .transport(transport)
      .build();
    return { node, engine };
  };
  const isClosed = (engine: StorageEngine): Promise<unknown> =>
    engine.logStore.persistEntries([]).then(
      () => 'open',
      (error: { code: string }) => error.code,
    );

  const unstarted = await build(() => Promise.reject(new Error('The transport can not be closed.')));
  await expect(unstarted.node.close()).rejects.toThrow('The transport can not be closed.');
  expect(await isClosed(unstarted.engine)).toBe('CLOSED');

  const running = await build(async () => {});
  await running.node.start();
  running.engine.logStore.flush = () => Promise.reject(new Error('It can not be flushed.'));
  await running.node.close();
  expect(await isClosed(running.engine)).toBe('CLOSED');
});
