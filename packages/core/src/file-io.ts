/**
 * The file system as a storage engine uses it: so small that a test can stand in for it and drop, tear and reorder what
 * was not synced. Errors are Node's own, with their `code` (`ENOENT`, `ENOSPC`, `EIO`, ...). Paths are absolute.
 */
export interface FileIo {
  /** Opens a file for reading and, unless `read`, for writing. `create` makes it if it is missing; `create-new` fails with `EEXIST` if it is not. */
  open(path: string, mode: 'read' | 'write' | 'create' | 'create-new', options?: OpenFileOptions): Promise<FileHandle>;
  /** Names in a directory, in no order. */
  list(directory: string): Promise<string[]>;
  /** What is at `path`: `undefined` if nothing is. */
  kind(path: string): Promise<'file' | 'directory' | 'other' | undefined>;
  /** Makes one directory; its parent exists. Succeeds if it is there already. Durable after `syncDirectory(parent)`. */
  makeDirectory(path: string): Promise<void>;
  /** Replaces `to` atomically. Durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. Open handles go on. Durable after `syncDirectory`. */
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Locks the file, made if missing, until `release` or the end of the process, whichever comes first; `undefined` if another holder has it,
   * in this process or in another one.
   */
  lock(path: string): Promise<FileLock | undefined>;
}

export interface OpenFileOptions {
  /**
   * Each `write` of this handle is durable when it resolves, as with `O_DSYNC`: one trip to the disk instead of two. It covers only the bytes
   * of this write and the size they need; what was written otherwise, by another handle too, is left to `datasync`.
   */
  readonly syncWrites?: boolean;
}

export interface FileHandle {
  /** Fills `into` from `position` on; resolves to the bytes read, fewer than asked only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all chunks one after the other from `position` on, growing the file as needed; rejects if not all were written. The chunks must not change until then. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Makes data and size durable; and, as on ext4, a new file's own directory entry is not promised by it. */
  datasync(): Promise<void>;
  /** Cuts or zero-fills the file to `size`. */
  truncate(size: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface FileLock {
  release(): Promise<void>;
}
