import type { FileHandle, FileIo } from '@raftlog/core';
import type { ProcessLife } from '../time/process-life.ts';
import type { DiskDelays } from './disk-delays.ts';

/** A file system whose syncs and changes take their time, and which never answers a process that has died. */
export function slowFileIo(io: FileIo, delays: DiskDelays, life: ProcessLife): FileIo {
  const change = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    await delays.wait(delays.write, life);
    return alive(run(), life);
  };
  const quick = <Result>(run: () => Promise<Result>): Promise<Result> =>
    life.isAlive() ? alive(run(), life) : new Promise<never>(() => {});
  return {
    open: async (...call) => slowHandle(await quick(() => io.open(...call)), change, quick),
    list: (directory) => quick(() => io.list(directory)),
    kind: (path) => quick(() => io.kind(path)),
    makeDirectory: (path) => quick(() => io.makeDirectory(path)),
    rename: (from, to) => change(() => io.rename(from, to)),
    remove: (path) => quick(() => io.remove(path)),
    syncDirectory: (path) => change(() => io.syncDirectory(path)),
    lock: (path) => quick(() => io.lock(path)),
  };
}

type Caller = <Result>(run: () => Promise<Result>) => Promise<Result>;

function slowHandle(handle: FileHandle, change: Caller, quick: Caller): FileHandle {
  return {
    read: (into, position) => quick(() => handle.read(into, position)),
    write: (chunks, position) => change(() => handle.write(chunks, position)),
    datasync: () => change(() => handle.datasync()),
    truncate: (size) => quick(() => handle.truncate(size)),
    size: () => quick(() => handle.size()),
    close: () => quick(() => handle.close()),
  };
}

async function alive<Result>(answer: Promise<Result>, life: ProcessLife): Promise<Result> {
  const [outcome] = await Promise.allSettled([answer]);
  if (!life.isAlive()) return new Promise<never>(() => {});
  if (outcome.status === 'rejected') throw outcome.reason;
  return outcome.value;
}
