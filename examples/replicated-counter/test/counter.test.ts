import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCluster } from '../src/cluster.ts';
import { Counter, decode, encode } from '../src/counter.ts';

test('every node counts, and all agree, also after a restart', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'raftlog-counter-'));
  try {
    for (const expected of [15, 30]) {
      const nodes = await startCluster(directory);
      // From any node: followers hand it to the leader.
      for (const [position, node] of nodes.entries()) await node.propose(encode(position * 5));
      for (const node of nodes) assert.equal(decode(await node.read(new Uint8Array())), expected);
      await Promise.all(nodes.map((node) => node.close()));
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a snapshot is of the moment of its call', async () => {
  const counter = new Counter();
  const add = (index: number) => ({ index, term: 1, kind: 'command', data: encode(1) }) as const;
  counter.apply([add(1)]);
  const snapshot = counter.snapshot();
  counter.apply([add(2)]);
  const copy = new Counter();
  await copy.restore(snapshot);
  assert.deepEqual([decode(copy.query()), decode(counter.query())], [1, 2]);
});
