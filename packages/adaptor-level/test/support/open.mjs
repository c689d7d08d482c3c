// How processes without a TypeScript loader open the engine: children of the suite, benchmark, kill campaign.
import { LevelStorageEngine } from '@raftlog/adaptor-level';

// As small as LevelDB goes: tables, and compactions of them, come after a few hundred commits.
const small = { writeBufferBytes: 64 * 1024, cacheBytes: 8 * 1024 };

/** @type {import('@raftlog/core/conformance').OpenInChild} */
export const open = (directory, { small: wanted, ...options } = {}) =>
  LevelStorageEngine.open({ directory, ...options, ...(wanted ? small : {}) });
