import { constants, type PathLike } from 'node:fs';
import * as fs from 'node:fs/promises';
import type { FileHandle, FileIo } from '@raftlog/core';
import { tryLock } from 'fs-native-extensions';
import { systemCode } from './system-errors.ts';

const { O_CREAT, O_DSYNC = 0, O_EXCL, O_RDONLY, O_RDWR } = constants;
const flags = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT, 'create-new': O_RDWR | O_CREAT | O_EXCL };

/** The real file system. */
export const nodeFileIo: FileIo = {
  async open(path, mode, options) {
    return new NodeFile(await fs.open(path, flags[mode] | (options?.syncWrites ? O_DSYNC : 0)));
  },

  list: (directory) => fs.readdir(directory),

  async kind(path) {
    const found = await ifPresent(fs.lstat(path));
    if (!found) return undefined;
    return found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
  },

  async makeDirectory(path) {
    try {
      await fs.mkdir(path);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST' || !(await fs.stat(path)).isDirectory()) throw error;
    }
  },

  rename: (from, to) => fs.rename(from, to),

  remove: (path: PathLike) => fs.unlink(path),

  async syncDirectory(path) {
    // Windows has no such thing; there the file system's own journal orders renames.
    if (process.platform === 'win32') return;
    const handle = await fs.open(path, O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },

  async lock(path) {
    const handle = await fs.open(path, O_RDWR | O_CREAT);
    let granted = false;
    try {
      granted = tryLock(handle.fd);
    } finally {
      if (!granted) await handle.close();
    }
    // Closing the file gives the lock back, and so does the end of the process, however it comes.
    return granted ? { release: () => handle.close() } : undefined;
  },
};

class NodeFile implements FileHandle {
  readonly #handle: fs.FileHandle;

  constructor(handle: fs.FileHandle) {
    this.#handle = handle;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < into.byteLength) {
      // One call takes less than 2 GiB.
      const length = Math.min(into.byteLength - done, 2 ** 30);
      const { bytesRead } = await this.#handle.read(into, done, length, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    for (const chunk of chunks) {
      let done = 0;
      while (done < chunk.byteLength) {
        const length = Math.min(chunk.byteLength - done, 2 ** 30);
        const { bytesWritten } = await this.#handle.write(chunk, done, length, at);
        if (bytesWritten === 0) throw new Error('The file system took no bytes.');
        done += bytesWritten;
        at += bytesWritten;
      }
    }
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(size: number): Promise<void> {
    return this.#handle.truncate(size);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function ifPresent<Found>(looking: Promise<Found>): Promise<Found | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
