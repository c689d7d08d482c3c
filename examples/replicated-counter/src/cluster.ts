import { join } from 'node:path';
import { FileStorageEngine } from '@raftlog/adaptor-file';
import { InMemoryHub, NodeBuilder, type RaftNode } from '@raftlog/node';
import { Counter } from './counter.ts';

/** Three nodes of one process, each with a directory of its own, started. */
export async function startCluster(directory: string): Promise<readonly RaftNode[]> {
  const voters = ['node-1', 'node-2', 'node-3'];
  const hub = new InMemoryHub();
  return Promise.all(
    voters.map(async (nodeId) => {
      const node = await new NodeBuilder({ clusterId: 'counter', nodeId, members: { voters }, electionTimeoutMs: 150 })
        .storageEngine(await FileStorageEngine.open({ directory: join(directory, nodeId) }), { closeWithNode: true })
        .stateMachine(new Counter())
        .transport(hub.transport(nodeId))
        .build();
      await node.start();
      return node;
    }),
  );
}
