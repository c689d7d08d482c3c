import { setImmediate as turn } from 'node:timers/promises';
import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import type { SnapshotStore } from '@raftlog/core';
import { encodeConfiguration, initialConfiguration, type SnapshotOrder } from '@raftlog/raft';
import { expect, test } from 'vitest';
import type { NodeMessage, SnapshotChunk } from '../src/node-message.ts';
import { encodeContext } from '../src/snapshot-context.ts';
import { SnapshotReceiver } from '../src/snapshot-receiver.ts';
import { SnapshotSender } from '../src/snapshot-sender.ts';

const configuration = initialConfiguration(['a', 'b']);

async function turns(): Promise<void> {
  for (let count = 0; count < 10; count++) await turn();
}

function piece(transfer: string, index: number, offset: number): SnapshotChunk {
  const lastIncluded = { index, term: 1 };
  const data = new Uint8Array(10);
  return {
    type: 'snapshot-chunk',
    transfer,
    lastIncluded,
    configuration: encodeConfiguration(configuration),
    size: 100,
    offset,
    data,
  };
}

async function receiver(): Promise<{ readonly receiver: SnapshotReceiver; readonly received: number[] }> {
  const engine = await MemoryStorageEngine.open({});
  const received: number[] = [];
  return {
    received,
    receiver: new SnapshotReceiver({
      identity: { clusterId: 'test', nodeId: 'b' },
      snapshots: engine.snapshotStore,
      send: () => {},
      idleTicks: 100,
      commitIndex: () => 0,
      received: ({ info }) => received.push(info.lastIncluded.index),
      failed: (error) => expect.unreachable(String(error)),
    }),
  };
}

test.each([
  ['a middle piece', 50],
  ['the first piece', 0],
])('%s of an earlier transfer that comes late does not end the one that is coming', async (_what, offset) => {
  const { receiver: snapshots, received } = await receiver();
  for (let at = 0; at < 100; at += 10) {
    snapshots.step('new leader', piece('new', 20, at));
    await turns();
    if (at === 80) snapshots.step('old leader', piece('old', 10, offset));
  }
  expect(received).toEqual([20]);
  await snapshots.stop();
});

test('an older snapshot is taken where the newer one has fallen silent', async () => {
  const { receiver: snapshots, received } = await receiver();
  snapshots.step('old leader', piece('newer', 20, 0));
  await turns();
  for (let tick = 0; tick < 10; tick++) snapshots.tick();
  for (let at = 0; at < 100; at += 10) {
    snapshots.step('new leader', piece('older', 10, at));
    await turns();
  }
  expect(received).toEqual([10]);
  await snapshots.stop();
});

/** Counts the streams that are open. */
function counted(store: SnapshotStore): { readonly store: SnapshotStore; readonly open: () => number } {
  let open = 0;
  async function* stream(id: string): AsyncGenerator<Uint8Array, void, undefined> {
    open++;
    try {
      yield* store.open(id);
    } finally {
      open--;
    }
  }
  const list = store.list.bind(store);
  return { store: Object.assign(Object.create(store), { list, open: stream }) as SnapshotStore, open: () => open };
}

test('an order that is replaced or taken back while the snapshot is looked up begins nothing', async () => {
  const engine = await MemoryStorageEngine.open({});
  const context = encodeContext({ clusterId: 'test', nodeId: 'a', configuration, isClaim: false });
  async function* content(): AsyncGenerator<Uint8Array, void, undefined> {
    yield new Uint8Array(100);
  }
  await engine.snapshotStore.save({ lastIncluded: { index: 5, term: 1 }, context }, content());
  const { store, open } = counted(engine.snapshotStore);
  const sent: NodeMessage[] = [];
  const sender = new SnapshotSender({
    snapshots: store,
    send: (_to, message) => sent.push(message),
    chunkBytes: 10,
    retryTicks: 10,
    session: 1,
    ended: () => {},
    sent: () => {},
    failed: (error) => expect.unreachable(String(error)),
  });
  const order = (id: number): SnapshotOrder => ({ id, to: 'b' });
  await Promise.all([sender.send(order(1)), sender.send(order(2))]);
  expect(open()).toBe(1);
  sender.stop();
  await turns();
  expect(open()).toBe(0);

  sent.length = 0;
  const late = sender.send(order(3));
  sender.stop();
  await late;
  expect(sent).toEqual([]);
  expect([...sender.inUse]).toEqual([]);
});
