import { createRandom } from '@raftlog/core/conformance';
import type { Envelope } from '@raftlog/node';
import { describe, expect, test } from 'vitest';
import { type LinkQuality, PERFECT_LINK } from '../src/network/link.ts';
import { SimulatedNetwork } from '../src/network/simulated-network.ts';
import { VirtualTime } from '../src/time/virtual-time.ts';

const ROUGH: LinkQuality = { ...PERFECT_LINK, loss: 0.2, duplication: 0.2, maxDelay: 50, isOrdered: false };

interface Bench {
  readonly time: VirtualTime;
  readonly network: SimulatedNetwork;
  readonly arrived: Map<string, number[]>;
  send(from: string, to: string, round: number): void;
  crash(node: string): void;
}

async function bench(quality: LinkQuality, seed = 1): Promise<Bench> {
  const time = new VirtualTime(createRandom(seed));
  const network = new SimulatedNetwork(time, createRandom(seed + 1), quality, { sent: () => {}, delivered: () => {} });
  const arrived = new Map<string, number[]>();
  const dead = new Set<string>();
  const transports = new Map<string, { send(envelope: Envelope): void }>();
  for (const node of ['a', 'b', 'c']) {
    const transport = network.transport(node, {
      isAlive: () => !dead.has(node),
      whenAwake: (run) => run(),
      whenReceivable: (run) => run(),
    });
    arrived.set(node, []);
    await transport.start(({ message }) => arrived.get(node)?.push('round' in message ? message.round : 0));
    transports.set(node, transport);
  }
  return {
    time,
    network,
    arrived,
    crash: (node) => dead.add(node),
    send: (from, to, round) => {
      const message = { type: 'heartbeat', from, to, term: 1, round, commitIndex: 0 } as const;
      transports.get(from)?.send({ clusterId: 'x', from, to, message });
    },
  };
}

function deliverAll({ time }: Bench): void {
  while (time.nextAt < Number.POSITIVE_INFINITY) time.advance();
}

describe('the simulated network', () => {
  test('a perfect link delivers all, once, in order', async () => {
    const wires = await bench(PERFECT_LINK);
    for (let round = 1; round <= 200; round++) wires.send('a', 'b', round);
    deliverAll(wires);
    expect(wires.arrived.get('b')).toEqual(Array.from({ length: 200 }, (_, place) => place + 1));
  });

  test('a rough one loses, doubles and reorders', async () => {
    const wires = await bench(ROUGH);
    for (let round = 1; round <= 1000; round++) wires.send('a', 'b', round);
    deliverAll(wires);
    const arrived = wires.arrived.get('b') ?? [];
    const different = new Set(arrived);
    expect(different.size).toBeGreaterThan(700);
    expect(different.size).toBeLessThan(900);
    expect(arrived.length).toBeGreaterThan(different.size + 100);
    expect(arrived).not.toEqual(arrived.toSorted((x, y) => x - y));
  });

  test('a cut is one-way, swallows what is on its way, and ends', async () => {
    const wires = await bench(PERFECT_LINK);
    wires.send('a', 'b', 1);
    const undo = wires.network.cut('a', 'b');
    const undoSecond = wires.network.cut('a', 'b');
    wires.send('b', 'a', 2);
    deliverAll(wires);
    undo();
    undo();
    wires.send('a', 'b', 3);
    deliverAll(wires);
    undoSecond();
    wires.send('a', 'b', 4);
    deliverAll(wires);
    expect(wires.arrived.get('b')).toEqual([4]);
    expect(wires.arrived.get('a')).toEqual([2]);
  });

  test('a dead process neither sends nor receives; what it has sent goes on', async () => {
    const wires = await bench(PERFECT_LINK);
    wires.send('a', 'b', 1);
    wires.send('b', 'a', 2);
    wires.crash('a');
    wires.send('a', 'b', 3);
    deliverAll(wires);
    expect(wires.arrived.get('b')).toEqual([1]);
    expect(wires.arrived.get('a')).toEqual([]);
  });
});
