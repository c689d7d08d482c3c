import type { FileHandle, FileIo } from '../../file-io.ts';

/** A disk whose writes and syncs wait for as long as it is held. */
export class HeldDisk {
  readonly fileIo: FileIo;
  #released: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(io: FileIo) {
    this.fileIo = {
      open: async (...call) => this.#held(await io.open(...call)),
      list: (directory) => io.list(directory),
      kind: (path) => io.kind(path),
      makeDirectory: (path) => io.makeDirectory(path),
      rename: (from, to) => this.#released.then(() => io.rename(from, to)),
      remove: (path) => io.remove(path),
      syncDirectory: (path) => this.#released.then(() => io.syncDirectory(path)),
      lock: (path) => io.lock(path),
    };
  }

  hold(): void {
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#release();
  }

  #held(file: FileHandle): FileHandle {
    return {
      read: (into, position) => file.read(into, position),
      write: (chunks, position) => this.#released.then(() => file.write(chunks, position)),
      datasync: () => this.#released.then(() => file.datasync()),
      truncate: (size) => this.#released.then(() => file.truncate(size)),
      size: () => file.size(),
      close: () => file.close(),
    };
  }
}
