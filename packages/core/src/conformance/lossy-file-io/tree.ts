import { systemError } from './injected-faults.ts';
import {
  applyEntryChange,
  cloneTree,
  DirectoryNode,
  type EntryChange,
  type FileNode,
  type FileSystemNode,
} from './nodes.ts';
import type { DirtyFile, Fate } from './power-cut.ts';

/** Where a path leads. */
export interface Place {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly node: FileSystemNode | undefined;
}

/** Directories and files in both layers, and the order in which directories changed. */
export class FileTree {
  readonly root: DirectoryNode;
  /** What no `syncDirectory` has covered yet. */
  changes: EntryChange[];
  /** What a failed `syncDirectory` left out. */
  #forgotten: EntryChange[];

  constructor(root: DirectoryNode = new DirectoryNode(), changes: EntryChange[] = [], forgotten: EntryChange[] = []) {
    this.root = root;
    this.changes = changes;
    this.#forgotten = forgotten;
  }

  clone(): FileTree {
    const { root, lists } = cloneTree(this.root, this.changes, this.#forgotten);
    return new FileTree(root, ...lists);
  }

  /** Makes a directory and its parents, durable at once. */
  plant(path: string): DirectoryNode {
    let directory = this.root;
    for (const name of segments(path)) {
      const child = directory.cache.get(name) ?? new DirectoryNode();
      if (child.kind !== 'directory') throw systemError('ENOTDIR', 'mkdir', path);
      directory.cache.set(name, child);
      directory.disk.set(name, child);
      directory = child;
    }
    return directory;
  }

  place(path: string, syscall: string): Place {
    const names = segments(path);
    const name = names.pop();
    if (name === undefined) throw systemError('EINVAL', syscall, path);
    let directory = this.root;
    for (const step of names) {
      const child = directory.cache.get(step);
      if (child === undefined) throw systemError('ENOENT', syscall, path);
      if (child.kind !== 'directory') throw systemError('ENOTDIR', syscall, path);
      directory = child;
    }
    return { directory, name, node: directory.cache.get(name) };
  }

  directory(path: string, syscall: string): DirectoryNode {
    if (segments(path).length === 0) return this.root;
    const { node } = this.place(path, syscall);
    if (node === undefined) throw systemError('ENOENT', syscall, path);
    if (node.kind !== 'directory') throw systemError('ENOTDIR', syscall, path);
    return node;
  }

  change(change: EntryChange): void {
    // Its directory is dirty again as it is in the cache, with what an earlier sync forgot of it.
    this.recall((forgotten) => forgotten.directory === change.directory);
    applyEntryChange(change.directory.cache, change);
    this.changes.push(change);
  }

  /** A sync of these has failed: no later one makes them durable, until the directory changes again. */
  forget(missed: (change: EntryChange) => boolean): void {
    this.#forgotten.push(...this.changes.filter(missed));
    this.changes = this.changes.filter((change) => !missed(change));
  }

  /** Makes changes that were forgotten unsynced again. */
  recall(chosen: (change: EntryChange) => boolean = () => true): void {
    this.changes.push(...this.#forgotten.filter(chosen));
    this.#forgotten = this.#forgotten.filter((change) => !chosen(change));
  }

  /** Makes the changes that `covers` chooses durable. */
  sync(covers: (change: EntryChange) => boolean): void {
    const left: EntryChange[] = [];
    for (const change of this.changes) {
      if (covers(change)) applyEntryChange(change.directory.disk, change);
      else left.push(change);
    }
    this.changes = left;
  }

  /** Files that have unsynced changes, under the newest name that they have or had. */
  dirtyFiles(): DirtyFile[] {
    const found = new Map<FileNode, string>();
    const seen = new Set<DirectoryNode>();
    const visit = (node: FileSystemNode, path: string): void => {
      if (node.kind === 'file') {
        if (node.unsynced.length > 0 && !found.has(node)) found.set(node, path);
        return;
      }
      if (seen.has(node)) return;
      seen.add(node);
      for (const [name, child] of node.cache) visit(child, `${path}/${name}`);
      for (const [name, child] of node.disk) visit(child, `${path}/${name}`);
    };
    visit(this.root, '');
    for (const { added } of this.changes) if (added !== undefined) visit(added.node, added.name);
    return [...found].map(([file, path]) => ({ file, path }));
  }

  /** The tree as the next boot finds it: what is on the disk, and of the rest what `fate` keeps. */
  afterPowerCut(fate: Fate, contents: (file: FileNode) => FileNode): FileTree {
    const entries = new Map<DirectoryNode, Map<string, FileSystemNode>>();
    for (const [number, change] of this.changes.entries()) {
      if (!fate.keepsEntry(number)) continue;
      const kept = entries.get(change.directory) ?? new Map(change.directory.disk);
      applyEntryChange(kept, change);
      entries.set(change.directory, kept);
    }
    const files = new Map<FileNode, FileNode>();
    const boot = (directory: DirectoryNode): DirectoryNode => {
      const booted = new DirectoryNode();
      for (const [name, node] of entries.get(directory) ?? directory.disk) {
        let survivor: FileSystemNode;
        if (node.kind === 'directory') survivor = boot(node);
        else {
          survivor = files.get(node) ?? contents(node);
          files.set(node, survivor);
        }
        booted.cache.set(name, survivor);
        booted.disk.set(name, survivor);
      }
      return booted;
    };
    return new FileTree(boot(this.root));
  }
}

function segments(path: string): string[] {
  return path.split(/[\\/]/).filter((segment) => segment !== '' && segment !== '.');
}
