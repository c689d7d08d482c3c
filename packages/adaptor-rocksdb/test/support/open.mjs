// How processes without a TypeScript loader open the engine: children of the suite, benchmark, kill campaign.
import { RocksdbStorageEngine } from '@raftlog/adaptor-rocksdb';

// A write buffer as small as it gets: table files and compactions come after a few hundred KiB.
const small = { writeBufferBytes: 1024 * 1024, cacheBytes: 8 * 1024 };

/** @type {import('@raftlog/core/conformance').OpenInChild} */
export const open = (directory, { small: wanted, ...options } = {}) =>
  RocksdbStorageEngine.open({ directory, ...options, ...(wanted ? small : {}) });
