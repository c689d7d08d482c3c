// How processes without a TypeScript loader open the engine: children of the suite, benchmark, kill campaign.
import { FileStorageEngine } from '@raftlog/adaptor-file';

const small = { segmentBytes: 64 * 1024, cacheBytes: 8 * 1024 };

/** @type {import('@raftlog/core/conformance').OpenInChild} */
export const open = (directory, { small: wanted, ...options } = {}) =>
  FileStorageEngine.open({ directory, ...options, ...(wanted ? small : {}) });
