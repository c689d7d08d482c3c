import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileStorageEngine } from '@raftlog/adaptor-file';
import type { StorageEngine } from '@raftlog/core';
import { describe, expect, test } from 'vitest';
import { encodeKeyValueCommand } from '../src/index.ts';
import type { EngineKind } from './support/engines.ts';
import { TestCluster } from './support/test-cluster.ts';

const FILE: EngineKind = {
  name: 'file',
  open: (directory) => FileStorageEngine.open({ directory, onCorruption: 'salvage' }),
  isVolatile: false,
};
const COMMANDS = 30;

/** Three nodes that have applied the same; one of them is stopped, and a byte in the middle of its log is another. */
async function withDamagedFollower(): Promise<{ readonly cluster: TestCluster; readonly id: string }> {
  const cluster = await TestCluster.started(3, { engine: FILE });
  const leader = await cluster.leader();
  for (let i = 0; i < COMMANDS; i++) {
    const value = Buffer.alloc(3000, i);
    await cluster.clock.settle(leader.propose(encodeKeyValueCommand({ op: 'put', key: `k${i}`, value })));
  }
  await cluster.level();
  const { nodeId: id } = await cluster.follower();
  await cluster.stop(id);
  const blocks = join(cluster.place(id), 'blocks');
  const [segment = ''] = readdirSync(blocks);
  const bytes = readFileSync(join(blocks, segment));
  const at = bytes.indexOf(Buffer.alloc(2000, 10));
  bytes.fill(99, at, at + 10);
  writeFileSync(join(blocks, segment), bytes);
  return { cluster, id };
}

describe('a node whose log is damaged', () => {
  test('takes from the leader what it lacks, and is whole again', async () => {
    const { cluster, id } = await withDamagedFollower();
    const node = await cluster.start(id);
    expect(node.status().damaged).toBe(true);
    await cluster.clock.until(() => !node.status().damaged, 'a whole log');
    await cluster.level();
    const back = await cluster.restart(id);
    expect(back.status().damaged).toBe(false);
  });

  test('remembers what it lacks over a restart, also when its storage has forgotten that it was damaged', async () => {
    const { cluster, id } = await withDamagedFollower();
    cluster.hub.isolate(id);
    await cluster.start(id);
    await cluster.stop(id);

    // As after a crash right behind the core's first write, which cuts off what is damaged.
    const engine: StorageEngine = await cluster.open(id);
    const [lost] = engine.logStore.damagedRanges ?? [];
    await engine.logStore.truncate(lost?.first ?? 0);
    await engine.close();
    const cut = await cluster.open(id);
    expect(cut.logStore.damagedRanges ?? []).toEqual([]);
    expect(cut.logStore.lastIndex).toBeLessThan(COMMANDS);

    const node = await cluster.start(id, {}, cut);
    expect(node.status().damaged).toBe(true);
    const { term } = node.status();
    await cluster.clock.pass(5_000);
    expect(node.status()).toMatchObject({ damaged: true, role: 'follower', term });
    cluster.hub.heal();
    await cluster.clock.until(() => !node.status().damaged, 'a whole log');
  });
});
