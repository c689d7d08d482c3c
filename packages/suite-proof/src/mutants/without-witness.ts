import type { FileIo } from '@raftlog/core';
import { override } from '../override.ts';

/** `io` on which the witness is never found again: whatever the log lost, nothing tells. */
export function withoutWitness(io: FileIo): FileIo {
  return override(io, {
    async open(path, mode, options) {
      if (mode === 'write' && path.endsWith('witness'))
        throw Object.assign(new Error('ENOENT: no witness'), { code: 'ENOENT' });
      return io.open(path, mode, options);
    },
  });
}
