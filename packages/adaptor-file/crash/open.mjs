import { FileStorageEngine } from '@raftlog/adaptor-file';

/** @type {import('@raftlog/core/conformance').OpenInChild} */
export function open(place, { small, ...options }) {
  const sizes = small ? { segmentBytes: 64 * 1024, cacheBytes: 8 * 1024 } : {};
  return FileStorageEngine.open({ directory: place, ...options, ...sizes });
}
