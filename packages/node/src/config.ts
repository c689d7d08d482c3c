import { NodeError } from './errors.ts';

/** The servers that a new cluster begins with. */
export interface InitialMembers {
  readonly voters: readonly string[];
  /** They get all entries and don't vote. */
  readonly learners?: readonly string[];
}

/** When snapshots are taken, and what they leave of the log. */
export interface SnapshotPolicy {
  /** Take one when this many bytes were applied since the last one. Default: 64 MiB. */
  readonly bytes?: number;
  /** Take one when this many entries were applied since the last one. Default: 100,000. */
  readonly entries?: number;
  /** Entries before the newest snapshot that stay in the log, so that a follower which is a little behind doesn't need the snapshot. Default: 10,000. */
  readonly keepEntries?: number;
  /** Snapshots that are kept; the log reaches back to the oldest of them, in case that a newer one can't be read. Default: 2. */
  readonly retain?: number;
  /** Bytes of one message of a snapshot that is sent. Default: 256 KiB. */
  readonly chunkBytes?: number;
}

/** Bounds on what a node holds in memory and sends. Beyond them callers get `BUSY` or `TOO_LARGE`. */
export interface NodeLimits {
  /** Largest command. Default: 1 MiB, or what the engine takes if that is less. */
  readonly maxCommandBytes?: number;
  /** Calls that wait for a leader, or for one's answer. Default: 10,000. */
  readonly maxWaiting?: number;
  /** Entries are read and applied in batches of this many bytes, a single larger entry excepted. Default: 1 MiB. */
  readonly applyBatchBytes?: number;
  /** Most bytes of entries in one message, a single larger entry excepted. Default: 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Most messages with entries on their way to one peer. Default: 256. */
  readonly maxInFlightMessages?: number;
  /** Most bytes of entries on their way to one peer. Default: 16 MiB. */
  readonly maxInFlightBytes?: number;
  /** Most bytes proposed at this leader and not yet committed. Default: 32 MiB. */
  readonly maxUncommittedBytes?: number;
}

/** Who a node is, and how it behaves. */
export interface NodeConfig {
  /** The same on all nodes of a cluster, and on no other one. 1 to 256 characters. */
  readonly clusterId: string;
  /** Unique in the cluster, for ever: a node that has lost its storage comes back under a new one. 1 to 256 characters. */
  readonly nodeId: string;
  /**
   * How a node begins whose storage is new; afterwards the storage says it, and this is ignored. Members: with all of these a new cluster begins; each of them is started with the same
   * ones. `join`: the cluster is there; a leader adds this node with `changeMembership`.
   */
  readonly members: InitialMembers | 'join';

  /** How long a follower waits for a leader before it campaigns: a random time from this to twice this. Default: 1,000 ms. */
  readonly electionTimeoutMs?: number;
  /** How often a leader says that it is there. At most half an election timeout. Default: a tenth of the election timeout. */
  readonly heartbeatMs?: number;
  /** The grain of all timing. At most a heartbeat. Default: half a heartbeat. */
  readonly tickMs?: number;
  /** How much before the election timeout a lease ends, for clocks that run at different speeds. Default: a fifth of the election timeout. */
  readonly leaseMarginMs?: number;
  /** How long `propose`, `read` and the changes of membership and leader may take. Default: 10 times the election timeout. */
  readonly requestTimeoutMs?: number;
  /** What a node does with proposals and linearizable reads when it doesn't lead: hand them to the leader, or reject with `NOT_LEADER`. Default: true. */
  readonly forward?: boolean;
  readonly limits?: NodeLimits;
  readonly snapshots?: SnapshotPolicy;
}

/** {@link NodeConfig}, checked, with the defaults filled in. Times are in ticks where the core counts them. */
export interface ResolvedConfig {
  readonly clusterId: string;
  readonly nodeId: string;
  readonly members: Required<InitialMembers> | 'join';
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly leaseMarginTicks: number;
  readonly requestTimeoutMs: number;
  readonly forward: boolean;
  readonly limits: Required<NodeLimits>;
  readonly snapshots: Required<SnapshotPolicy>;
}

const KIB = 1024;
const MIB = KIB * KIB;
const MAX_ID_LENGTH = 256;

/** Checks the configuration and fills in the defaults, or throws `INVALID_CONFIG`. */
export function resolveConfig(config: NodeConfig): ResolvedConfig {
  if (typeof config !== 'object' || config === null)
    throw invalidConfig('config', config, 'an object with clusterId, nodeId and members');
  const { clusterId, nodeId, forward = true } = config;
  checkId('clusterId', clusterId);
  checkId('nodeId', nodeId);
  if (typeof forward !== 'boolean') throw invalidConfig('forward', forward, 'true or false');
  return {
    clusterId,
    nodeId,
    members: resolveMembers(nodeId, config.members),
    ...resolveTimes(config),
    forward,
    limits: resolveLimits(config.limits ?? {}),
    snapshots: resolveSnapshots(config.snapshots ?? {}),
  };
}

function resolveMembers(nodeId: string, members: NodeConfig['members']): ResolvedConfig['members'] {
  if (members === 'join') return members;
  if (typeof members !== 'object' || members === null || !Array.isArray(members.voters)) {
    throw invalidConfig('members', members, "{ voters, learners } for a new cluster, or 'join' for one that is there");
  }
  const { voters, learners = [] } = members;
  const ids: readonly string[] = [...voters, ...learners];
  for (const id of ids) checkId('members', id);
  if (voters.length === 0) throw invalidConfig('members.voters', voters, 'at least one node');
  const twice = ids.find((id, position) => ids.indexOf(id) !== position);
  if (twice !== undefined) throw invalidConfig('members', twice, 'different ids: this one is named twice');
  if (!ids.includes(nodeId)) {
    throw invalidConfig(
      'members',
      ids.join(', '),
      `ids of which one is this node's, ${nodeId}; or 'join', if it is to be added to a cluster that is there`,
    );
  }
  return { voters: [...voters], learners: [...learners] };
}

function resolveTimes(
  config: NodeConfig,
): Pick<ResolvedConfig, 'tickMs' | 'electionTicks' | 'heartbeatTicks' | 'leaseMarginTicks' | 'requestTimeoutMs'> {
  const { electionTimeoutMs = 1000 } = config;
  checkTime('electionTimeoutMs', electionTimeoutMs);
  const { heartbeatMs = electionTimeoutMs / 10 } = config;
  checkTime('heartbeatMs', heartbeatMs);
  const { tickMs = heartbeatMs / 2, leaseMarginMs = electionTimeoutMs / 5 } = config;
  checkTime('tickMs', tickMs);
  checkTime('leaseMarginMs', leaseMarginMs);
  const { requestTimeoutMs = electionTimeoutMs * 10 } = config;
  checkTime('requestTimeoutMs', requestTimeoutMs);
  if (heartbeatMs > electionTimeoutMs / 2) {
    throw invalidConfig(
      'heartbeatMs',
      heartbeatMs,
      `at most half of electionTimeoutMs (${electionTimeoutMs}): a follower must not campaign because one heartbeat was lost`,
    );
  }
  if (tickMs > heartbeatMs) throw invalidConfig('tickMs', tickMs, `at most heartbeatMs (${heartbeatMs})`);
  if (leaseMarginMs >= electionTimeoutMs)
    throw invalidConfig('leaseMarginMs', leaseMarginMs, `below electionTimeoutMs (${electionTimeoutMs})`);
  return {
    tickMs,
    electionTicks: Math.round(electionTimeoutMs / tickMs),
    heartbeatTicks: Math.round(heartbeatMs / tickMs),
    // Never less than was asked for, and one tick at least: those of two nodes don't fall together.
    leaseMarginTicks: Math.max(1, Math.ceil(leaseMarginMs / tickMs)),
    requestTimeoutMs,
  };
}

function resolveLimits(limits: NodeLimits): Required<NodeLimits> {
  const resolved = {
    maxCommandBytes: limits.maxCommandBytes ?? MIB,
    maxWaiting: limits.maxWaiting ?? 10_000,
    applyBatchBytes: limits.applyBatchBytes ?? MIB,
    maxMessageBytes: limits.maxMessageBytes ?? MIB,
    maxInFlightMessages: limits.maxInFlightMessages ?? 256,
    maxInFlightBytes: limits.maxInFlightBytes ?? 16 * MIB,
    maxUncommittedBytes: limits.maxUncommittedBytes ?? 32 * MIB,
  };
  for (const [name, value] of Object.entries(resolved)) checkCount(`limits.${name}`, value, 1);
  return resolved;
}

function resolveSnapshots(policy: SnapshotPolicy): Required<SnapshotPolicy> {
  const resolved = {
    bytes: policy.bytes ?? 64 * MIB,
    entries: policy.entries ?? 100_000,
    keepEntries: policy.keepEntries ?? 10_000,
    retain: policy.retain ?? 2,
    chunkBytes: policy.chunkBytes ?? 256 * KIB,
  };
  for (const [name, value] of Object.entries(resolved))
    checkCount(`snapshots.${name}`, value, name === 'keepEntries' ? 0 : 1);
  return resolved;
}

function checkId(option: string, value: unknown): void {
  if (typeof value !== 'string' || value.length === 0 || value.length > MAX_ID_LENGTH) {
    throw invalidConfig(option, value, `a string of 1 to ${MAX_ID_LENGTH} characters`);
  }
}

function checkTime(option: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
    throw invalidConfig(option, value, 'a number of milliseconds above 0');
}

function checkCount(option: string, value: unknown, least: number): void {
  if (!Number.isSafeInteger(value) || Number(value) < least)
    throw invalidConfig(option, value, `a whole number, ${least} or more`);
}

export function invalidConfig(option: string, value: unknown, expected: string): NodeError<'INVALID_CONFIG'> {
  const received = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return new NodeError('INVALID_CONFIG', `${option} must be ${expected}, not ${received}.`, { option, received });
}
