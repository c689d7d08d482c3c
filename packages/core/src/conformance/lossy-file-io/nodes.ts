import { FileBytes } from './file-bytes.ts';

/** What a file was told and no sync has covered yet. */
export type UnsyncedChange = (UnsyncedWrite | UnsyncedResize) & {
  /** Shared by the pieces of one call. False while its promise is pending: a sync that is called meanwhile may come too early for it. */
  readonly call: { settled: boolean };
};

interface UnsyncedWrite {
  readonly kind: 'write';
  readonly position: number;
  readonly bytes: Uint8Array;
}

interface UnsyncedResize {
  readonly kind: 'resize';
  readonly size: number;
}

/** The page cache is written back in pages, in any order. */
export const PAGE_BYTES = 4096;

/** A file: what the page cache shows, what is on the disk, and the difference in the order in which it arose. */
export class FileNode {
  readonly kind = 'file';
  cache: FileBytes = new FileBytes();
  disk: FileBytes = new FileBytes();
  unsynced: UnsyncedChange[] = [];
  /** What a failed sync left out: it shows in the page cache, whose pages count as clean. */
  forgotten: UnsyncedChange[] = [];

  apply(change: UnsyncedChange): void {
    this.#remember(change);
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

  /** Moves one write to the disk, past what was written before it: its bytes, and the size as it is with them. */
  syncOnly(own: UnsyncedChange): void {
    const at = this.unsynced.indexOf(own);
    let before: UnsyncedChange[] = [];
    for (const change of this.unsynced.slice(0, at + 1)) {
      // A resize, too, as a file has but one size; and what it cut off must not come back on top of it.
      if (change.kind === 'write' && change !== own) before.push(change);
      else {
        before = before.flatMap((earlier) => without(earlier, change));
        applyChange(this.disk, change);
      }
    }
    this.unsynced = [...before, ...this.unsynced.slice(at + 1)];
  }

  /** A sync of these has failed: no later one writes them, until something else is written to the same page. */
  forget(changes: ReadonlySet<UnsyncedChange>): void {
    this.forgotten.push(...this.unsynced.filter((change) => changes.has(change)));
    this.unsynced = this.unsynced.filter((change) => !changes.has(change));
  }

  /** A change makes its pages dirty as they are in the cache, with what an earlier sync forgot of them. */
  #remember(change: UnsyncedChange): void {
    let left: UnsyncedChange[] = [];
    const dirty: UnsyncedChange[] = [];
    for (const old of this.forgotten) {
      if (old.kind === 'resize') {
        left = left.flatMap((earlier) => without(earlier, old));
        dirty.push(old);
      } else {
        const [start, end] = change.kind === 'resize' ? [0, 0] : pagesOf(change);
        const pages = { ...change, kind: 'write', position: start, bytes: new Uint8Array(end - start) } as const;
        left.push(...without(old, pages));
        dirty.push(...within(old, start, end));
      }
    }
    // What it cuts off is gone from the cache as well.
    this.forgotten = change.kind === 'resize' ? left.flatMap((earlier) => without(earlier, change)) : left;
    this.unsynced.push(...dirty);
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

/** What is left of a write when `later` has been made. */
function without(earlier: UnsyncedChange, later: UnsyncedChange): UnsyncedChange[] {
  if (later.kind === 'resize') return within(earlier, 0, later.size);
  const end = later.position + later.bytes.length;
  return [...within(earlier, 0, later.position), ...within(earlier, end, Number.POSITIVE_INFINITY)];
}

/** The part of a write that lies from `start` up to, but not including, `end`. */
function within(change: UnsyncedChange, start: number, end: number): UnsyncedChange[] {
  if (change.kind === 'resize') return [change];
  const from = Math.max(start, change.position);
  const to = Math.min(end, change.position + change.bytes.length);
  if (from >= to) return [];
  return [{ ...change, position: from, bytes: change.bytes.subarray(from - change.position, to - change.position) }];
}

function pagesOf({ position, bytes }: UnsyncedWrite): [start: number, end: number] {
  const end = position + bytes.length;
  return [Math.floor(position / PAGE_BYTES) * PAGE_BYTES, Math.ceil(end / PAGE_BYTES) * PAGE_BYTES];
}

function applyChange(bytes: FileBytes, change: UnsyncedChange): void {
  if (change.kind === 'write') bytes.write(change.bytes, change.position);
  else bytes.resize(change.size);
}

export function applyEntryChange(entries: Map<string, FileSystemNode>, change: EntryChange): void {
  if (change.removed !== undefined) entries.delete(change.removed);
  if (change.added !== undefined) entries.set(change.added.name, change.added.node);
}

function settledCopy(change: UnsyncedChange): UnsyncedChange {
  return { ...change, call: { settled: true } };
}

/** Copies a tree with both layers and all that is unsynced. Files that only an open handle holds are left behind. */
export function cloneTree(
  root: DirectoryNode,
  ...lists: readonly (readonly EntryChange[])[]
): { root: DirectoryNode; lists: EntryChange[][] } {
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
    copy.unsynced = node.unsynced.map(settledCopy);
    copy.forgotten = node.forgotten.map(settledCopy);
    return copy;
  };
  const copyChange = ({ directory, removed, added }: EntryChange): EntryChange => ({
    directory: copyDirectory(directory),
    ...(removed === undefined ? {} : { removed }),
    ...(added === undefined ? {} : { added: { name: added.name, node: copyNode(added.node) } }),
  });
  return { root: copyDirectory(root), lists: lists.map((changes) => changes.map(copyChange)) };
}
