// How processes without a TypeScript loader open the engine: children of the suite, benchmark, kill campaign.
import { SqliteStorageEngine } from '@raftlog/adaptor-sqlite';

const small = { pageBytes: 512, pageCacheBytes: 64 * 1024, walBytes: 64 * 1024, cacheBytes: 8 * 1024 };

/** @type {import('@raftlog/core/conformance').OpenInChild} */
export const open = (directory, { small: wanted, ...options } = {}) =>
  SqliteStorageEngine.open({ directory, ...options, ...(wanted ? small : {}) });
