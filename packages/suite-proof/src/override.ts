import type { FileHandle, FileIo, LogStore, MetaStore, StorageEngine } from '@raftlog/core';

/** `target` with some members replaced; all others are its own. */
export function override<Target extends object>(target: Target, members: Partial<Target>): Target {
  return new Proxy(target, {
    get(_target, key) {
      const owner = key in members ? members : target;
      const value: unknown = Reflect.get(owner, key, owner);
      // Its private fields are found on the object itself only.
      return typeof value === 'function' ? value.bind(owner) : value;
    },
  });
}

/** `engine` with some methods of its log replaced. */
export function overrideLog(engine: StorageEngine, members: (log: LogStore) => Partial<LogStore>): StorageEngine {
  return override(engine, { logStore: override(engine.logStore, members(engine.logStore)) });
}

/** `engine` with some methods of its hard state replaced. */
export function overrideMeta(engine: StorageEngine, members: (meta: MetaStore) => Partial<MetaStore>): StorageEngine {
  return override(engine, { metaStore: override(engine.metaStore, members(engine.metaStore)) });
}

/** `io` whose handles have some methods replaced, for the files whose path matches. */
export function overrideFiles(
  io: FileIo,
  path: RegExp,
  members: (file: FileHandle, path: string) => Partial<FileHandle>,
): FileIo {
  return override(io, {
    async open(name, mode, options) {
      const file = await io.open(name, mode, options);
      return path.test(name) ? override(file, members(file, name)) : file;
    },
  });
}
