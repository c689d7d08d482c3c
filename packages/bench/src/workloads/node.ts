import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { perSecond } from '@raftlog/core/benchmark';
import type { RaftNode } from '@raftlog/node';
import type { AdaptorName } from '../contenders/names.ts';
import type { TrialResult, TrialTask } from '../trial/task.ts';
import { leaderOf, startCluster } from './cluster.ts';
import type { NodeWorkload } from './workload.ts';

/** Proposals to the leader of a cluster: each proposer waits for its answer before it proposes again. */
export async function measureNode(
  adaptor: AdaptorName,
  { directory, seconds }: TrialTask,
  workload: NodeWorkload,
): Promise<TrialResult> {
  const nodes = await startCluster(adaptor, directory, workload.nodes);
  try {
    const leader = await leaderOf(nodes);
    await propose(leader, workload, seconds / 2);
    const { ms, latency } = await propose(leader, workload, seconds);
    const percentile = (share: number): number => latency.percentile(share) / 1e6;
    return {
      figures: {
        proposalsPerSecond: perSecond(latency.count, ms),
        p50Ms: percentile(50),
        p99Ms: percentile(99),
        maxMs: latency.max / 1e6,
      },
    };
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
}

async function propose(
  leader: RaftNode,
  { proposers, payload }: NodeWorkload,
  seconds: number,
): Promise<{ ms: number; latency: RecordableHistogram }> {
  const command = new Uint8Array(payload).fill(7);
  const latency = createHistogram();
  const began = performance.now();
  const end = began + seconds * 1000;
  const proposer = async (): Promise<void> => {
    for (let now = performance.now(); now < end; ) {
      await leader.propose(command);
      const done = performance.now();
      latency.record(Math.max(1, Math.round((done - now) * 1e6)));
      now = done;
    }
  };
  await Promise.all(Array.from({ length: proposers }, proposer));
  return { ms: performance.now() - began, latency };
}
