import type { FileHandle } from '../../file-io.ts';
import { type Fault, type FileOperation, systemError } from './injected-faults.ts';
import type { FileNode, UnsyncedChange } from './nodes.ts';

/** What a handle needs of its file system. */
export interface HandleOwner {
  /** Counts the call; throws if it is to fail as a whole. A fault that takes effect in part is left to the handle. */
  begin(operation: FileOperation, path: string, ownFaults?: true): Fault | undefined;
  dataSynced(file: FileNode): void;
}

export interface HandleMode {
  readonly writable: boolean;
  readonly syncWrites: boolean;
}

export class LossyFileHandle implements FileHandle {
  readonly #owner: HandleOwner;
  readonly #path: string;
  readonly #file: FileNode;
  readonly #mode: HandleMode;
  #open = true;

  constructor(owner: HandleOwner, path: string, file: FileNode, mode: HandleMode) {
    this.#owner = owner;
    this.#path = path;
    this.#file = file;
    this.#mode = mode;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#begin('read');
    this.#check(position, 'read');
    return this.#file.cache.read(into, position);
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const fault = this.#begin('write', true);
    this.#check(position, 'write');
    if (!this.#mode.writable) throw systemError('EBADF', 'write', this.#path);
    let bytes = joined(chunks);
    if (fault !== undefined) bytes = bytes.subarray(0, share(bytes.length, fault.lands ?? 'part'));
    const call = { settled: false };
    const change: UnsyncedChange = { kind: 'write', position, bytes, call };
    if (bytes.length > 0) this.#file.apply(change);
    if (fault !== undefined) {
      call.settled = true;
      throw systemError(fault.code, 'write', this.#path);
    }
    if (this.#mode.syncWrites) this.#syncOwn(change);
    // A sync that is called before this promise has resolved must not count on this write.
    await undefined;
    call.settled = true;
  }

  async datasync(): Promise<void> {
    const fault = this.#begin('datasync', true);
    const covered = this.#file.unsynced.filter(({ call }) => call.settled);
    const landed = fault === undefined ? covered.length : share(covered.length, fault.lands ?? 'none');
    const reached = new Set(covered.slice(0, landed));
    this.#file.sync((change) => reached.has(change));
    this.#end(fault, covered.slice(landed));
  }

  async truncate(size: number): Promise<void> {
    this.#begin('truncate');
    this.#check(size, 'ftruncate');
    if (!this.#mode.writable) throw systemError('EINVAL', 'ftruncate', this.#path);
    const call = { settled: false };
    this.#file.apply({ kind: 'resize', size, call });
    await undefined;
    call.settled = true;
  }

  async size(): Promise<number> {
    this.#begin('size');
    return this.#file.cache.size;
  }

  async close(): Promise<void> {
    // Closed whatever is reported, as with the system call.
    const wasOpen = this.#open;
    this.#open = false;
    this.#owner.begin('close', this.#path);
    if (!wasOpen) throw systemError('EBADF', 'close', this.#path);
  }

  #begin(operation: FileOperation, ownFaults?: true): Fault | undefined {
    const fault = this.#owner.begin(operation, this.#path, ownFaults);
    if (!this.#open) throw systemError('EBADF', operation, this.#path);
    return fault;
  }

  #check(position: number, syscall: string): void {
    if (!Number.isSafeInteger(position) || position < 0) throw systemError('EINVAL', syscall, this.#path);
  }

  /** As `O_DSYNC` has it: the bytes of this write and no others. */
  #syncOwn(own: UnsyncedChange): void {
    const fault = this.#begin('datasync', true);
    const lands = fault === undefined || fault.lands === 'whole';
    if (lands && this.#file.unsynced.includes(own)) this.#file.syncOnly(own);
    this.#end(fault, lands ? [] : [own]);
  }

  #end(fault: Fault | undefined, missed: readonly UnsyncedChange[]): void {
    if (fault === undefined) {
      this.#owner.dataSynced(this.#file);
      return;
    }
    // What did not land is clean in the page cache from now on: no later sync writes it.
    this.#file.forget(new Set(missed));
    throw systemError(fault.code, 'fdatasync', this.#path);
  }
}

function share(whole: number, lands: 'none' | 'part' | 'whole'): number {
  if (lands === 'whole') return whole;
  return lands === 'part' ? Math.floor(whole / 2) : 0;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}
