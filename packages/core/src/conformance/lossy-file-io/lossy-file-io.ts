import type { FileHandle, FileIo, FileLock, OpenFileOptions } from '../../file-io.ts';
import { createRandom } from '../random.ts';
import { chooseFate, countFates, everyFate, sampledFates } from './fates.ts';
import { FileBytes } from './file-bytes.ts';
import {
  type Fault,
  type FaultCode,
  type FaultOptions,
  FaultPlan,
  type FileCall,
  type FileOperation,
  systemError,
} from './injected-faults.ts';
import { type HandleOwner, LossyFileHandle } from './lossy-file-handle.ts';
import { DirectoryNode, type EntryChange, FileNode, type FileSystemNode } from './nodes.ts';
import { type Fate, type PowerCutMode, survivingBytes } from './power-cut.ts';
import { FileTree } from './tree.ts';

export interface LossyFileIoOptions {
  /** Directories that are there from the start, with their parents. Default: only `/`. */
  readonly directories?: readonly string[];
  /**
   * What is promised. `contract` (default): only what `FileIo` says, so that an engine which relies on more fails.
   * `ext4`: as ext4 with ordered data: changes of directories survive in their order and are all made durable by
   * syncing any directory or any file, and a file never grows beyond the data that reached the disk.
   */
  readonly model?: 'contract' | 'ext4';
}

/** What the disk may hold after a power cut now. */
export interface PowerCutStates {
  /** Number of different outcomes. */
  readonly total: number;
  /** True: `states` yields all of them. */
  readonly exhaustive: boolean;
  readonly states: Iterable<PowerCutState>;
}

export interface PowerCutState {
  /** What became of the unsynced parts. */
  readonly name: string;
  /** The file system as the next boot finds it. */
  readonly fileIo: LossyFileIo;
}

/**
 * A file system in memory with two layers, the page cache and the disk. Every call takes effect in the page cache at once;
 * what no sync has covered may be missing, torn or out of order after {@link LossyFileIo.powerCut}. Chosen calls can be made to fail.
 *
 * Handles and locks belong to one instance; an instance that is cut or killed answers everything with `EIO` from then on.
 *
 * @example
 * ```ts
 * const before = new LossyFileIo({ directories: ['/data'] });
 * const engine = await FileStorageEngine.open({ directory: '/data/node', fileIo: before });
 * await engine.logStore.persistEntries(entries);
 * const after = before.powerCut({ mode: 'synced' });
 * ```
 */
export class LossyFileIo implements FileIo {
  readonly #options: LossyFileIoOptions;
  readonly #faults = new FaultPlan();
  readonly #locked = new Set<FileSystemNode>();
  readonly #trace: FileCall[] = [];
  readonly #owner: HandleOwner;
  #tree = new FileTree();
  /** What the removed file that was the largest held: what new files may show where nothing was written. */
  #stale = new FileBytes();
  #dead = false;

  /** Called before each call takes effect, with everything before it in place: the moment to {@link clone}. */
  onCall: ((call: FileCall) => void) | undefined;

  constructor(options: LossyFileIoOptions = {}) {
    this.#options = options;
    for (const directory of options.directories ?? []) this.#tree.plant(directory);
    this.#owner = {
      begin: (operation, path, ownFaults) => this.#begin(operation, path, ownFaults),
      dataSynced: (file) => this.#dataSynced(file),
    };
  }

  /** Number of calls so far. */
  get calls(): number {
    return this.#trace.length;
  }

  /** All calls so far, in order. */
  get trace(): readonly FileCall[] {
    return this.#trace;
  }

  async open(
    path: string,
    mode: 'read' | 'write' | 'create' | 'create-new',
    options?: OpenFileOptions,
  ): Promise<FileHandle> {
    this.#begin('open', path);
    const file = this.#fileAt(path, 'open', mode === 'create' || mode === 'create-new', mode === 'create-new');
    const writable = mode !== 'read';
    return new LossyFileHandle(this.#owner, path, file, { writable, syncWrites: options?.syncWrites === true });
  }

  async list(directory: string): Promise<string[]> {
    this.#begin('list', directory);
    return [...this.#tree.directory(directory, 'scandir').cache.keys()];
  }

  async kind(path: string): Promise<'file' | 'directory' | 'other' | undefined> {
    this.#begin('kind', path);
    return this.#lookUp(path)?.kind;
  }

  async makeDirectory(path: string): Promise<void> {
    this.#begin('makeDirectory', path);
    if (this.#lookUp(path)?.kind === 'directory') return;
    const { directory, name, node } = this.#tree.place(path, 'mkdir');
    if (node !== undefined) throw systemError('EEXIST', 'mkdir', path);
    this.#tree.change({ directory, added: { name, node: new DirectoryNode() } });
  }

  async rename(from: string, to: string): Promise<void> {
    this.#begin('rename', from);
    const source = this.#tree.place(from, 'rename');
    const target = this.#tree.place(to, 'rename');
    const { node } = source;
    if (node === undefined) throw systemError('ENOENT', 'rename', from);
    if (node === target.node) return;
    if (node.kind === 'file' && target.node?.kind === 'directory') throw systemError('EISDIR', 'rename', to);
    if (node.kind === 'directory' && target.node?.kind === 'file') throw systemError('ENOTDIR', 'rename', to);
    if (target.node?.kind === 'directory' && target.node.cache.size > 0) throw systemError('ENOTEMPTY', 'rename', to);
    this.#remember(target.node);
    const added = { name: target.name, node };
    if (source.directory === target.directory) {
      this.#tree.change({ directory: source.directory, removed: source.name, added });
    } else {
      this.#tree.change({ directory: target.directory, added });
      this.#tree.change({ directory: source.directory, removed: source.name });
    }
  }

  async remove(path: string): Promise<void> {
    this.#begin('remove', path);
    const { directory, name, node } = this.#tree.place(path, 'unlink');
    if (node === undefined) throw systemError('ENOENT', 'unlink', path);
    if (node.kind === 'directory') throw systemError('EISDIR', 'unlink', path);
    this.#remember(node);
    this.#tree.change({ directory, removed: name });
  }

  async syncDirectory(path: string): Promise<void> {
    const fault = this.#begin('syncDirectory', path, true);
    const directory = this.#tree.directory(path, 'fsync');
    const covered = (change: EntryChange): boolean => this.#options.model === 'ext4' || change.directory === directory;
    if (fault !== undefined) {
      if (fault.lands === 'whole') this.#tree.sync(covered);
      else this.#tree.forget(covered);
      throw systemError(fault.code, 'fsync', path);
    }
    this.#tree.sync(covered);
  }

  async lock(path: string): Promise<FileLock | undefined> {
    this.#begin('lock', path);
    const file = this.#fileAt(path, 'open', true, false);
    if (this.#locked.has(file)) return undefined;
    this.#locked.add(file);
    return {
      release: async () => {
        // Freed whatever is reported, as with the system call.
        this.#locked.delete(file);
        this.#begin('release', path);
      },
    };
  }

  /** Makes the `number`-th call from now on fail (1: the next one), counting only those that `options` choose. */
  failAt(number: number, code: FaultCode, options: FaultOptions = {}): void {
    this.#faults.add(number, code, options);
  }

  /**
   * Forgets all planned faults. What a failed `syncDirectory` left out can be synced again: a file system that can't write a directory stops, and
   * whoever gets to write to it later does so after it was mounted anew.
   */
  healAll(): void {
    this.#faults.clear();
    this.#tree.recall();
  }

  /** The same file system with both its layers, without handles, locks, faults and trace: as another process would find it if this one were killed now. */
  clone(): LossyFileIo {
    return this.#successor(this.#tree.clone());
  }

  /** Ends the process: the page cache stays, handles die, locks are free. Work on with the answer; this instance is dead. */
  killProcess(): LossyFileIo {
    const next = this.clone();
    this.#dead = true;
    return next;
  }

  /** Cuts the power: only what is on the disk stays, and of the rest what `mode` says. Work on with the answer; this instance is dead. */
  powerCut(choice: { readonly mode: PowerCutMode; readonly seed?: number }): LossyFileIo {
    const fate = chooseFate(choice.mode, this.#tree.dirtyFiles(), createRandom(choice.seed ?? 1).next);
    const next = this.#boot(fate);
    this.#dead = true;
    return next;
  }

  /**
   * What the disk may hold if the power is cut now: all outcomes if there are at most `limit`, else that many: each unsynced write missing or torn, each
   * directory change lost or kept alone, filled up with seeded random ones. This instance lives on; the states share nothing with it.
   */
  powerCutStates(choice: { readonly limit: number; readonly seed: number }): PowerCutStates {
    const snapshot = this.clone();
    const dirty = snapshot.#tree.dirtyFiles();
    const entries = snapshot.#tree.changes.length;
    const stale = this.#stale.size > 0;
    const total = countFates(dirty, entries, stale);
    const exhaustive = total <= choice.limit;
    return {
      total,
      exhaustive,
      states: {
        *[Symbol.iterator](): Generator<PowerCutState> {
          const random = createRandom(choice.seed).next;
          const fates = exhaustive
            ? everyFate(dirty, entries, stale)
            : sampledFates(dirty, entries, choice.limit, random);
          for (const fate of fates) yield { name: fate.name, fileIo: snapshot.#boot(fate) };
        },
      },
    };
  }

  /** Paths of all files below `directory`, sorted. Not counted as a call. */
  files(directory: string): string[] {
    const found: string[] = [];
    const visit = (node: FileSystemNode | undefined, path: string): void => {
      if (node?.kind === 'file') found.push(path);
      else for (const [name, child] of node?.cache ?? []) visit(child, `${path === '/' ? '' : path}/${name}`);
    };
    visit(directory === '/' ? this.#tree.root : this.#lookUp(directory), directory);
    return found.sort();
  }

  /** What the page cache shows of a file. Not counted as a call. */
  readFile(path: string): Uint8Array {
    return this.#fileAt(path, 'read', false, false).cache.slice();
  }

  /** Makes a file with this content, or replaces what it holds, on the disk too. Not counted as a call. */
  writeFile(path: string, bytes: Uint8Array): void {
    const file = this.#fileAt(path, 'write', true, false);
    file.cache = new FileBytes();
    file.cache.write(bytes, 0);
    file.disk = file.cache.fork();
    file.unsynced = [];
    file.forgotten = [];
    this.#tree.sync((change) => change.added?.node === file);
  }

  /** Removes a file, on the disk too. Not counted as a call. */
  removeFile(path: string): void {
    const { directory, name } = this.#tree.place(path, 'unlink');
    directory.cache.delete(name);
    directory.disk.delete(name);
  }

  #begin(operation: FileOperation, path: string, ownFaults?: true): Fault | undefined {
    if (this.#dead) throw systemError('EIO', operation, path);
    const call: FileCall = { number: this.#trace.length + 1, operation, path };
    this.onCall?.(call);
    this.#trace.push(call);
    const fault = this.#faults.next(call);
    if (fault !== undefined && ownFaults !== true) throw systemError(fault.code, operation, path);
    return fault;
  }

  #lookUp(path: string): FileSystemNode | undefined {
    try {
      return this.#tree.place(path, 'stat').node;
    } catch {
      // A path through nothing, or through a file, leads to nothing; the root has no place.
      return path === '/' ? this.#tree.root : undefined;
    }
  }

  #fileAt(path: string, syscall: string, create: boolean, onlyNew: boolean): FileNode {
    const { directory, name, node } = this.#tree.place(path, syscall);
    if (node !== undefined && onlyNew) throw systemError('EEXIST', syscall, path);
    if (node?.kind === 'directory') throw systemError('EISDIR', syscall, path);
    if (node !== undefined) return node;
    if (!create) throw systemError('ENOENT', syscall, path);
    const file = new FileNode();
    this.#tree.change({ directory, added: { name, node: file } });
    return file;
  }

  #dataSynced(file: FileNode): void {
    // A sync commits the whole journal, but only if it has to: a new or grown file makes it.
    if (this.#options.model === 'ext4' && this.#tree.changes.some((change) => change.added?.node === file)) {
      this.#tree.sync(() => true);
    }
  }

  #remember(node: FileSystemNode | undefined): void {
    if (node?.kind === 'file' && node.disk.size >= this.#stale.size) this.#stale = node.disk.fork();
  }

  #successor(tree: FileTree): LossyFileIo {
    const next = new LossyFileIo({ ...this.#options, directories: [] });
    next.#tree = tree;
    next.#stale = this.#stale.fork();
    return next;
  }

  #boot(chosen: Fate): LossyFileIo {
    const ordered = this.#options.model === 'ext4';
    const fate = ordered ? inOrder(chosen) : chosen;
    const tree = this.#tree.afterPowerCut(fate, (file) => {
      const survivor = new FileNode();
      survivor.disk = survivingBytes(file, fate, this.#stale, ordered);
      survivor.cache = survivor.disk.fork();
      return survivor;
    });
    return this.#successor(tree);
  }
}

/** As a journal keeps them: no change of a directory without those before it. */
function inOrder(fate: Fate): Fate {
  let broken = false;
  return {
    ...fate,
    keepsEntry: (change) => {
      if (!fate.keepsEntry(change)) broken = true;
      return !broken;
    },
  };
}
