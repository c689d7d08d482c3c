import * as fs from 'node:fs';
import { type FileHandle, type FileIo, type FileLock, type OpenFileOptions, StorageError } from '@raftlog/core';
import { errorCodeOf } from './io-errors.ts';

const { O_CREAT, O_DSYNC, O_EXCL, O_RDONLY, O_RDWR } = fs.constants;

const OPEN_FLAGS = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT, 'create-new': O_RDWR | O_CREAT | O_EXCL };

// A log holds what clients wrote: nobody but the node's user reads it unless an operator says so.
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

// On macOS O_DSYNC leaves the bytes in the drive's cache, while libuv's fdatasync is F_FULLFSYNC; Windows has no such flag.
const DSYNC_FLAG = process.platform === 'linux' ? O_DSYNC : 0;

/** Most chunks that one writev takes (IOV_MAX of Linux and macOS). */
const MAX_VECTORS = 1024;

/** Node takes lengths up to 2^31 - 1. */
const MAX_TRANSFER = 2 ** 30;

/** {@link FileIo} on the real file system. */
export const nodeFileIo: FileIo = {
  async open(path, mode, options: OpenFileOptions = {}) {
    const synced = options.syncWrites === true;
    const fd = await openFd(path, OPEN_FLAGS[mode] | (synced ? DSYNC_FLAG : 0));
    return new NodeFile(fd, synced && DSYNC_FLAG === 0);
  },

  list(directory) {
    return new Promise((resolve, reject) => {
      fs.readdir(directory, (error, names) => (error ? reject(error) : resolve(names)));
    });
  },

  async kind(path) {
    try {
      const stats = await stat(path);
      if (stats.isFile()) return 'file';
      return stats.isDirectory() ? 'directory' : 'other';
    } catch (error) {
      const code = errorCodeOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  },

  async makeDirectory(path) {
    try {
      await done((callback) => fs.mkdir(path, { mode: DIRECTORY_MODE }, callback));
    } catch (error) {
      if (errorCodeOf(error) !== 'EEXIST' || (await nodeFileIo.kind(path)) !== 'directory') throw error;
    }
  },

  rename(from, to) {
    return done((callback) => fs.rename(from, to, callback));
  },

  remove(path) {
    return done((callback) => fs.unlink(path, callback));
  },

  async syncDirectory(path) {
    // Windows can't sync a directory handle; NTFS journals names itself and orders them before later flushes.
    if (process.platform === 'win32') return;
    const fd = await openFd(path, O_RDONLY);
    try {
      await done((callback) => fs.fsync(fd, callback));
    } finally {
      await closeFd(fd);
    }
  },

  async lock(path) {
    const tryLock = await loadTryLock();
    for (;;) {
      const fd = await openFd(path, O_RDWR | O_CREAT);
      let lock: FileLock | undefined;
      try {
        if (!tryLock(fd)) return undefined;
        // The last holder may have removed the file between our open and our lock: we would hold a lock that nobody sees.
        if (await isFileAt(path, fd)) lock = heldLock(fd);
      } finally {
        if (lock === undefined) await closeFd(fd);
      }
      if (lock !== undefined) return lock;
    }
  },
};

class NodeFile implements FileHandle {
  readonly #fd: number;
  readonly #syncAfterWrite: boolean;
  #running = 0;
  #closing: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(fd: number, syncAfterWrite: boolean) {
    this.#fd = fd;
    this.#syncAfterWrite = syncAfterWrite;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return this.#run(async (fd) => {
      let filled = 0;
      while (filled < into.byteLength) {
        const length = Math.min(into.byteLength - filled, MAX_TRANSFER);
        const count = await readSome(fd, into, filled, length, position + filled);
        if (count === 0) break;
        filled += count;
      }
      return filled;
    });
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    return this.#run(async (fd) => {
      await writeAll(fd, chunks, position);
      if (this.#syncAfterWrite) await done((callback) => fs.fdatasync(fd, callback));
    });
  }

  datasync(): Promise<void> {
    return this.#run((fd) => done((callback) => fs.fdatasync(fd, callback)));
  }

  truncate(size: number): Promise<void> {
    return this.#run((fd) => done((callback) => fs.ftruncate(fd, size, callback)));
  }

  size(): Promise<number> {
    return this.#run(async (fd) => (await fstat(fd)).size);
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeWhenIdle();
    return this.#closing;
  }

  // The system reuses numbers of closed descriptors at once: an operation that outlived the close, or came after it,
  // would write into whatever file was opened next. So close waits for what runs and refuses what comes.
  async #run<T>(operation: (fd: number) => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw Object.assign(new Error('EBADF: the file is closed'), { code: 'EBADF' });
    this.#running += 1;
    try {
      return await operation(this.#fd);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#whenIdle?.();
    }
  }

  async #closeWhenIdle(): Promise<void> {
    if (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await closeFd(this.#fd);
  }
}

async function writeAll(fd: number, chunks: readonly Uint8Array[], position: number): Promise<void> {
  let rest = chunks.filter((chunk) => chunk.byteLength > 0);
  let at = position;
  while (rest.length > 0) {
    const written = await writeSome(fd, rest, at);
    if (written === 0) throw Object.assign(new Error('EIO: the system wrote no bytes'), { code: 'EIO' });
    at += written;
    rest = after(rest, written);
  }
}

/** What is left of `chunks` behind their first `count` bytes. */
function after(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  for (let i = 0; i < chunks.length; i++) {
    const chunk = chunks[i];
    if (chunk === undefined) break;
    if (skip < chunk.byteLength) return [chunk.subarray(skip), ...chunks.slice(i + 1)];
    skip -= chunk.byteLength;
  }
  return [];
}

function writeSome(fd: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const settle = (error: Error | null, count: number): void => (error ? reject(error) : resolve(count));
    const [first] = chunks;
    if (first !== undefined && (chunks.length === 1 || first.byteLength > MAX_TRANSFER)) {
      fs.write(fd, first, 0, Math.min(first.byteLength, MAX_TRANSFER), position, settle);
    } else {
      fs.writev(fd, chunks.slice(0, MAX_VECTORS), position, settle);
    }
  });
}

function readSome(fd: number, into: Uint8Array, offset: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, into, offset, length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

function openFd(path: string, flags: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flags, FILE_MODE, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

function closeFd(fd: number): Promise<void> {
  return done((callback) => fs.close(fd, callback));
}

function stat(path: string): Promise<fs.Stats> {
  return new Promise((resolve, reject) => {
    fs.stat(path, (error, stats) => (error ? reject(error) : resolve(stats)));
  });
}

function fstat(fd: number): Promise<fs.Stats> {
  return new Promise((resolve, reject) => {
    fs.fstat(fd, (error, stats) => (error ? reject(error) : resolve(stats)));
  });
}

function done(start: (callback: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}

async function isFileAt(path: string, fd: number): Promise<boolean> {
  const held = await fstat(fd);
  try {
    const named = await stat(path);
    return named.ino === held.ino && named.dev === held.dev;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function heldLock(fd: number): FileLock {
  let released: Promise<void> | undefined;
  // Closing the descriptor frees the lock: on Linux an open file description lock, flock on macOS, LockFileEx on Windows.
  return {
    release() {
      released ??= closeFd(fd);
      return released;
    },
  };
}

// Loaded when a directory is locked, so that an engine without one runs where the addon has no build.
async function loadTryLock(): Promise<(fd: number) => boolean> {
  try {
    const { tryLock } = await import('fs-native-extensions');
    return tryLock;
  } catch (error) {
    const platform = `${process.platform}-${process.arch}`;
    throw new StorageError(
      'UNSUPPORTED',
      `file locks are not available on ${platform}: fs-native-extensions did not load. Reinstall it, or open the store through a FileIo of your own.`,
      { feature: `file locks on ${platform}` },
      { cause: error },
    );
  }
}
