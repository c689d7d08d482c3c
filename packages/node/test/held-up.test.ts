import { setImmediate as turn } from 'node:timers/promises';
import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import type { Message } from '@raftlog/raft';
import { expect, onTestFinished, test } from 'vitest';
import {
  type Envelope,
  encodeKeyValueQuery,
  InMemoryHub,
  KeyValueStateMachine,
  NodeBuilder,
  type RaftNode,
  type Transport,
} from '../src/index.ts';
import { ManualClock } from './support/manual-clock.ts';

async function turns(): Promise<void> {
  for (let count = 0; count < 20; count++) await turn();
}

/** The node `b` of three, its clock, and what it says. */
async function nodeB(clock: ManualClock, transport: Transport): Promise<RaftNode> {
  const engine = await MemoryStorageEngine.open({});
  const node = await new NodeBuilder({
    clusterId: 'test',
    nodeId: 'b',
    members: { voters: ['a', 'b', 'c'] },
    electionTimeoutMs: 1000,
  })
    .storageEngine(engine, { allowVolatile: true })
    .stateMachine(new KeyValueStateMachine())
    .transport(transport)
    .clock(clock)
    .random(() => 0)
    .build();
  onTestFinished(() => node.close());
  return node;
}

test('a follower that was held up binds itself from when it hears from the leader, not from before the pause', async () => {
  const clock = new ManualClock();
  const hub = new InMemoryHub();
  const node = await nodeB(clock, hub.transport('b'));
  const said: Message[] = [];
  const [a, c] = [hub.transport('a'), hub.transport('c')];
  await a.start(() => {});
  await c.start(({ message }: Envelope) => said.push(message as Message));
  await node.start();
  const heartbeat = async (round: number): Promise<void> => {
    const message = { type: 'heartbeat', from: 'a', to: 'b', term: 1, round, commitIndex: 0 } as const;
    a.send({ clusterId: 'test', from: 'a', to: 'b', message });
    await turns();
  };
  await heartbeat(1);
  // The process stands still. When it goes on it reads its socket first, and then come its timers.
  clock.holdUp(900);
  await heartbeat(2);
  clock.advance(700);
  await turns();
  const lastLog = { index: 9, term: 1 };
  const message = {
    type: 'vote-request',
    from: 'c',
    to: 'b',
    term: 2,
    preVote: true,
    transfer: false,
    lastLog,
  } as const;
  c.send({ clusterId: 'test', from: 'c', to: 'b', message });
  await turns();
  // 1,600 ms after the first heartbeat, but 700 after the second: the lease of a runs for 800.
  expect(said.filter(({ type }) => type === 'vote-response')).toMatchObject([{ granted: false }]);
});

test('what comes while a node starts does not age it', async () => {
  const clock = new ManualClock();
  // The process has been running for long.
  clock.advance(1_000_000);
  const inner = new InMemoryHub().transport('b');
  let go: () => void = () => {};
  let receive: (envelope: Envelope) => void = () => {};
  const slow: Transport = {
    ...inner,
    start: async (receiver, unreachable) => {
      receive = receiver;
      await inner.start(receiver, unreachable);
      await new Promise<void>((resolve) => {
        go = resolve;
      });
    },
  };
  const node = await nodeB(clock, slow);
  const starting = node.start();
  await turns();
  await expect(node.read(encodeKeyValueQuery('x'), { consistency: 'lease' })).rejects.toMatchObject({
    code: 'NOT_STARTED',
  });
  const message = { type: 'append-accepted', from: 'a', to: 'b', term: 1, matchIndex: 0 } as const;
  receive({ clusterId: 'test', from: 'a', to: 'b', message });
  go();
  await starting;
  await turns();
  expect(node.status()).toMatchObject({ role: 'follower' });
});
