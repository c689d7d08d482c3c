import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { InMemoryHub, NodeBuilder, type RaftNode, type StateMachine } from '@raftlog/node';
import { ADAPTORS } from '../contenders/adaptors.ts';
import type { AdaptorName } from '../contenders/names.ts';

const nothing = new Uint8Array();

/** A cluster in one process, its nodes joined by memory, each with an engine of its own on the same disk. */
export async function startCluster(adaptor: AdaptorName, parent: string, size: number): Promise<RaftNode[]> {
  const voters = Array.from({ length: size }, (_, i) => `node-${i + 1}`);
  const hub = new InMemoryHub();
  return Promise.all(
    voters.map(async (nodeId) => {
      const engine = await ADAPTORS[adaptor].open({ directory: join(parent, nodeId) });
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

export async function leaderOf(nodes: readonly RaftNode[]): Promise<RaftNode> {
  for (;;) {
    const leader = nodes.find((node) => node.status().role === 'leader');
    if (leader !== undefined) return leader;
    await setTimeout(10);
  }
}

/** A state machine that costs nothing: what is measured is the node and its storage. */
class Counter implements StateMachine {
  lastApplied = 0;
  #count = 0;

  apply(commands: readonly unknown[]): Uint8Array[] {
    this.#count += commands.length;
    return commands.map(() => nothing);
  }

  async *snapshot(count: number = this.#count): AsyncGenerator<Uint8Array> {
    yield Buffer.from(String(count));
  }

  async restore(snapshot: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of snapshot) text += Buffer.from(chunk).toString();
    this.#count = Number(text);
  }

  query(): Uint8Array {
    return Buffer.from(String(this.#count));
  }
}
