// `pnpm --filter @raftlog/all-adaptors bench`: proposals a second and their latency, from a cluster in one process, on each engine.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { FileStorageEngine } from '@raftlog/adaptor-file';
import { LevelStorageEngine } from '@raftlog/adaptor-level';
import { LmdbStorageEngine } from '@raftlog/adaptor-lmdb';
import { MemoryStorageEngine } from '@raftlog/adaptor-memory';
import { RocksdbStorageEngine } from '@raftlog/adaptor-rocksdb';
import { SqliteStorageEngine } from '@raftlog/adaptor-sqlite';
import { InMemoryHub, NodeBuilder } from '@raftlog/node';

const ENGINES = {
  memory: MemoryStorageEngine,
  file: FileStorageEngine,
  level: LevelStorageEngine,
  lmdb: LmdbStorageEngine,
  sqlite: SqliteStorageEngine,
  rocksdb: RocksdbStorageEngine,
};
const CLUSTER_SIZES = [1, 3];
const PROPOSERS = [1, 64, 1_000];
const NOTHING = new Uint8Array();

const usage = `Measures proposals a second and their latency, on each engine, with one node and with three, and 1, 64 and 1,000 proposers.

  --engine NAME     ${Object.keys(ENGINES).join(', ')}; may be given more than once (all)
  --seconds N       of each measurement (3)
  --payload BYTES   data of each command (256)
  --directory DIR   an existing directory on the disk to be measured (the system's for temporary files)
  --help`;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: {
    engine: { type: 'string', multiple: true, default: Object.keys(ENGINES) },
    seconds: { type: 'string', default: '3' },
    payload: { type: 'string', default: '256' },
    directory: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
});

async function main() {
  const unknown = values.engine.find((name) => !(name in ENGINES));
  const [seconds, payload] = [Number(values.seconds), Number(values.payload)];
  if (unknown !== undefined || !(seconds > 0) || !Number.isSafeInteger(payload) || payload < 0) {
    console.error(usage);
    process.exitCode = 2;
    return;
  }
  console.log('| engine | nodes | proposers | proposals/s | median | 99 % | longest |');
  console.log('|---|---|---|---|---|---|---|');
  for (const engine of values.engine) {
    for (const nodes of CLUSTER_SIZES) await measureCluster(engine, nodes, { seconds, payload });
  }
}

async function measureCluster(engine, size, { seconds, payload }) {
  const parent = mkdtempSync(join(resolve(process.env.INIT_CWD ?? '.', values.directory), 'raftlog-raft-bench-'));
  try {
    const nodes = await startCluster(ENGINES[engine], parent, size);
    const leader = await leaderOf(nodes);
    for (const proposers of PROPOSERS) {
      await propose(leader, { proposers, payload, seconds: seconds / 3 }); // warm-up
      const { perSecond, latency } = await propose(leader, { proposers, payload, seconds });
      const ms = (nanoseconds) => `${(nanoseconds / 1e6).toPrecision(3)} ms`;
      const times = [latency.percentile(50), latency.percentile(99), latency.max].map(ms).join(' | ');
      const rate = Math.round(perSecond).toLocaleString('en-US');
      console.log(`| ${engine} | ${size} | ${proposers.toLocaleString('en-US')} | ${rate} | ${times} |`);
    }
    await Promise.all(nodes.map((node) => node.close()));
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

async function startCluster(adaptor, parent, size) {
  const voters = Array.from({ length: size }, (_, i) => `node-${i + 1}`);
  const hub = new InMemoryHub();
  return Promise.all(
    voters.map(async (nodeId) => {
      const engine = await adaptor.open({ directory: join(parent, nodeId) });
      const node = await new NodeBuilder({ clusterId: 'bench', nodeId, members: { voters } })
        .storageEngine(engine, { closeWithNode: true, allowVolatile: true })
        .stateMachine(new Counter())
        .transport(hub.transport(nodeId))
        .build();
      await node.start();
      return node;
    }),
  );
}

async function leaderOf(nodes) {
  for (;;) {
    const leader = nodes.find((node) => node.status().role === 'leader');
    if (leader !== undefined) return leader;
    await setTimeout(10);
  }
}

async function propose(leader, { proposers, payload, seconds }) {
  const command = new Uint8Array(payload).fill(7);
  const latency = createHistogram();
  const began = performance.now();
  const end = began + seconds * 1000;
  const proposer = async () => {
    for (let now = performance.now(); now < end; ) {
      await leader.propose(command);
      const done = performance.now();
      latency.record(Math.max(1, Math.round((done - now) * 1e6)));
      now = done;
    }
  };
  await Promise.all(Array.from({ length: proposers }, proposer));
  return { perSecond: latency.count / ((performance.now() - began) / 1000), latency };
}

/** A state machine that costs nothing: what is measured is the node and its storage. */
class Counter {
  lastApplied = 0;
  #count = 0;

  apply(commands) {
    this.#count += commands.length;
    return commands.map(() => NOTHING);
  }

  async *snapshot(count = this.#count) {
    yield Buffer.from(String(count));
  }

  async restore(snapshot) {
    let text = '';
    for await (const chunk of snapshot) text += Buffer.from(chunk).toString();
    this.#count = Number(text);
  }

  query() {
    return Buffer.from(String(this.#count));
  }
}

if (values.help) console.log(usage);
else await main();
