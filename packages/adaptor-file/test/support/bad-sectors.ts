import type { FileIo } from '@raftlog/core';

/** Where a file can't be read; its end is not part of it. */
export interface BadSectors {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/** The same disk, on which some bytes of one file can't be read. */
export function withBadSectors(fileIo: FileIo, { path, from, to }: BadSectors): FileIo {
  return {
    list: (directory) => fileIo.list(directory),
    kind: (at) => fileIo.kind(at),
    makeDirectory: (at) => fileIo.makeDirectory(at),
    rename: (before, after) => fileIo.rename(before, after),
    remove: (at) => fileIo.remove(at),
    syncDirectory: (at) => fileIo.syncDirectory(at),
    lock: (at) => fileIo.lock(at),
    async open(opened, mode, options) {
      const handle = await fileIo.open(opened, mode, options);
      if (opened !== path) return handle;
      return {
        async read(into, position) {
          if (position < to && position + into.byteLength > from)
            throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
          return handle.read(into, position);
        },
        write: (chunks, position) => handle.write(chunks, position),
        datasync: () => handle.datasync(),
        truncate: (size) => handle.truncate(size),
        size: () => handle.size(),
        close: () => handle.close(),
      };
    },
  };
}
