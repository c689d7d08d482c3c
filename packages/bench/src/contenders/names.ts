/** The adaptors, in the order in which they are shown. */
export const ADAPTOR_NAMES = ['file', 'memory', 'level', 'lmdb', 'sqlite', 'rocksdb'] as const;
export type AdaptorName = (typeof ADAPTOR_NAMES)[number];

/** Databases that somebody could use without an adaptor. */
const DATABASE_NAMES = ['level', 'lmdb', 'sqlite', 'rocksdb'] as const;
export type DatabaseName = (typeof DATABASE_NAMES)[number];

/** Bare writes and syncs of the same bytes: by calls that block, and by those that go through the thread pool. */
export const LIMIT_NAMES = ['limit', 'limit-async'] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** What Go's Raft nodes store their logs in. */
export const PEER_NAMES = ['etcd-wal', 'raft-boltdb'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** Whatever can be measured against something else. */
export type ContenderName = AdaptorName | LimitName | PeerName | `${DatabaseName}-by-hand`;

const LABELS: Partial<Record<ContenderName, string>> = {
  limit: 'write + fdatasync, blocking',
  'limit-async': 'write + fdatasync, asynchronous',
  'etcd-wal': "etcd's wal (Go)",
  'raft-boltdb': 'raft-boltdb (Go)',
};

export function contenderLabel(name: ContenderName): string {
  return LABELS[name] ?? name.replaceAll('-', ' ');
}

export function isAdaptor(name: string): name is AdaptorName {
  return (ADAPTOR_NAMES as readonly string[]).includes(name);
}

export function isDatabase(name: string): name is DatabaseName {
  return (DATABASE_NAMES as readonly string[]).includes(name);
}

export function isLimit(name: string): name is LimitName {
  return (LIMIT_NAMES as readonly string[]).includes(name);
}

export function isPeer(name: string): name is PeerName {
  return (PEER_NAMES as readonly string[]).includes(name);
}

/** The database that a contender uses by hand, if it does. */
export function databaseOf(name: ContenderName): DatabaseName | undefined {
  const database = name.replace(/-by-hand$/, '');
  return database !== name && isDatabase(database) ? database : undefined;
}
