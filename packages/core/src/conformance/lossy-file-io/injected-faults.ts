import { constants } from 'node:os';

/** The calls of a `FileIo` and its handles and locks, as `LossyFileIo` counts them. A `write` of a `syncWrites` handle counts as `write` and `datasync`. */
export type FileOperation =
  | 'open'
  | 'list'
  | 'kind'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'lock'
  | 'release'
  | 'read'
  | 'write'
  | 'datasync'
  | 'truncate'
  | 'size'
  | 'close';

/** One call, as it was made. */
export interface FileCall {
  /** 1 for the first call of the instance. */
  readonly number: number;
  readonly operation: FileOperation;
  readonly path: string;
}

export type FaultCode = 'EIO' | 'ENOSPC' | 'EACCES' | 'EROFS' | 'EMFILE';

export interface FaultOptions {
  /** Count, and fail, only these. Default: every call. */
  readonly operations?: readonly FileOperation[];
  /** Count, and fail, only calls on paths that contain this. */
  readonly path?: string;
  /**
   * How much of a failed `write`, `datasync` or `syncDirectory` takes effect all the same. Default: `part` for a write (a full device takes
   * a prefix), `none` for a sync: the kernel forgets that the pages were dirty, so that the page cache goes on showing what the disk never
   * gets, until something else is written to the same page or directory.
   */
  readonly lands?: 'none' | 'part' | 'whole';
  /** Fail all later ones too. Default: only this one. */
  readonly forever?: boolean;
}

export interface Fault {
  readonly code: FaultCode;
  readonly lands: 'none' | 'part' | 'whole' | undefined;
}

/** Decides which call fails. */
export class FaultPlan {
  #planned: { countdown: number; readonly code: FaultCode; readonly options: FaultOptions }[] = [];

  add(countdown: number, code: FaultCode, options: FaultOptions): void {
    this.#planned.push({ countdown, code, options });
  }

  clear(): void {
    this.#planned = [];
  }

  next(call: FileCall): Fault | undefined {
    if (this.#planned.length === 0) return undefined;
    let due: Fault | undefined;
    for (const plan of this.#planned) {
      const { operations, path, lands, forever } = plan.options;
      if (operations !== undefined && !operations.includes(call.operation)) continue;
      if (path !== undefined && !call.path.includes(path)) continue;
      plan.countdown--;
      if (plan.countdown === 0 || (plan.countdown < 0 && forever === true)) due ??= { code: plan.code, lands };
    }
    return due;
  }
}

type SystemErrorCode = FaultCode | 'EBADF' | 'EEXIST' | 'EINVAL' | 'EISDIR' | 'ENOENT' | 'ENOTDIR' | 'ENOTEMPTY';

const descriptions: { readonly [Code in SystemErrorCode]: string } = {
  EACCES: 'permission denied',
  EBADF: 'bad file descriptor',
  EEXIST: 'file already exists',
  EINVAL: 'invalid argument',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  EMFILE: 'too many open files',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  EROFS: 'read-only file system',
};

/** An error that looks like Node's own. */
export function systemError(code: SystemErrorCode, syscall: string, path: string): NodeJS.ErrnoException {
  const errno = -constants.errno[code];
  return Object.assign(new Error(`${code}: ${descriptions[code]}, ${syscall} '${path}'`), {
    code,
    errno,
    syscall,
    path,
  });
}
