import { FileBytes } from './file-bytes.ts';

/** What a file was told and no sync has covered yet. */
export type UnsyncedChange = (
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'resize'; readonly size: number }
) & {
  /** False while its promise is pending: a sync that is called meanwhile may come too early for it. */
  settled: boolean;
};

/** A file: what the page cache shows, what is on the disk, and the difference in the order in which it arose. */
export class FileNode {
  readonly kind = 'file';
  cache: FileBytes = new FileBytes();
  disk: FileBytes = new FileBytes();
  unsynced: UnsyncedChange[] = [];

  apply(change: UnsyncedChange): void {
    applyChange(this.cache, change);
    this.unsynced.push(change);
  }

  /** Moves what `covers` chooses to the disk, in its order. */
  sync(covers: (change: UnsyncedChange) => boolean): void {
    const left: UnsyncedChange[] = [];
    for (const change of this.unsynced) {
      if (covers(change)) applyChange(this.disk, change);
      else left.push(change);
    }
    this.unsynced = left;
  }
}

/** A directory, in the same two layers. The difference is kept by the file system, which knows the order across directories. */
export class DirectoryNode {
  readonly kind = 'directory';
  readonly cache: Map<string, FileSystemNode> = new Map();
  readonly disk: Map<string, FileSystemNode> = new Map();
}

export type FileSystemNode = FileNode | DirectoryNode;

/** One atomic change of a directory that is not synced yet: a creation, a removal, or (both) a rename. */
export interface EntryChange {
  readonly directory: DirectoryNode;
  readonly removed?: string;
  readonly added?: { readonly name: string; readonly node: FileSystemNode };
}

function applyChange(bytes: FileBytes, change: UnsyncedChange): void {
  if (change.kind === 'write') bytes.write(change.bytes, change.position);
  else bytes.resize(change.size);
}

export function applyEntryChange(entries: Map<string, FileSystemNode>, change: EntryChange): void {
  if (change.removed !== undefined) entries.delete(change.removed);
  if (change.added !== undefined) entries.set(change.added.name, change.added.node);
}

/** Copies a tree with both layers and all that is unsynced. Files that only an open handle holds are left behind. */
export function cloneTree(
  root: DirectoryNode,
  changes: readonly EntryChange[],
): { root: DirectoryNode; changes: EntryChange[] } {
  const copies = new Map<FileSystemNode, FileSystemNode>();
  const copyDirectory = (node: DirectoryNode): DirectoryNode => {
    const known = copies.get(node);
    if (known?.kind === 'directory') return known;
    const copy = new DirectoryNode();
    copies.set(node, copy);
    for (const [name, child] of node.cache) copy.cache.set(name, copyNode(child));
    for (const [name, child] of node.disk) copy.disk.set(name, copyNode(child));
    return copy;
  };
  const copyNode = (node: FileSystemNode): FileSystemNode => {
    if (node.kind === 'directory') return copyDirectory(node);
    const known = copies.get(node);
    if (known !== undefined) return known;
    const copy = new FileNode();
    copies.set(node, copy);
    copy.cache = node.cache.fork();
    copy.disk = node.disk.fork();
    copy.unsynced = node.unsynced.map((change) => ({ ...change, settled: true }));
    return copy;
  };
  return {
    root: copyDirectory(root),
    changes: changes.map((change) => ({
      directory: copyDirectory(change.directory),
      ...(change.removed === undefined ? {} : { removed: change.removed }),
      ...(change.added === undefined ? {} : { added: { name: change.added.name, node: copyNode(change.added.node) } }),
    })),
  };
}
