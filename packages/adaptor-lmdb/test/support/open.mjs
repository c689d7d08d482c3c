// How processes without a TypeScript loader open the engine: children of the suite, benchmark, kill campaign.
import { LmdbStorageEngine } from '@raftlog/adaptor-lmdb';

const small = { mapSize: 1024 * 1024, cacheBytes: 8 * 1024 };

/** @type {import('@raftlog/core/conformance').OpenInChild} */
export const open = (directory, { small: wanted, ...options } = {}) =>
  LmdbStorageEngine.open({ directory, ...options, ...(wanted ? small : {}) });
