import {
  type Change,
  type DataChange,
  isData,
  isNaming,
  type NamingChange,
  type SyncChange,
} from '../record/change.ts';
import { type NodeId, ROOT } from '../record/live-tree.ts';
import type { DiskImage } from './disk-image.ts';
import { type DataFate, PendingFile } from './pending-file.ts';

/**
 * What a file system may lose.
 *
 * - `ext4`: names, and sizes that were set, are kept in the order in which they were made, as a journal does; fsync of a new file keeps its name too.
 * - `weak`: whatever isn't synced may be lost, whatever else is kept. A name is kept by the fsync of its directory alone.
 */
export type CrashModel = 'ext4' | 'weak';

/** What of the unsynced changes a crash leaves. */
export interface Fate extends DataFate {
  /** `number`: its place in {@link CrashDisk.pendingNames}. With `ext4` only prefixes can be kept. */
  readonly isNamed: (change: NamingChange, number: number) => boolean;
}

/** A moment in a recording: something begins, or ends. */
export interface Step {
  readonly at: number;
  readonly ends: boolean;
  readonly change: Change;
}

const EVERYTHING: Fate = { isNamed: () => true, isWritten: () => true, size: 'new' };

/** A disk whose history is played; at each moment it tells what a power cut may leave of it. */
export class CrashDisk {
  readonly #model: CrashModel;
  readonly #steps: readonly Step[];
  readonly #files = new Map<NodeId, PendingFile>();
  /** What certainly has its name. */
  readonly #names = new Map<NodeId, Map<string, NodeId>>([[ROOT, new Map()]]);
  #pending: { readonly change: NamingChange; isDurable: boolean }[] = [];
  #next = 0;

  constructor(
    recording: {
      readonly before: DiskImage;
      readonly nodes: ReadonlyMap<string, NodeId>;
      readonly changes: readonly Change[];
    },
    model: CrashModel = 'ext4',
  ) {
    this.#model = model;
    for (const [path, content] of recording.before) this.#place(path, content, recording.nodes);
    const steps = recording.changes.flatMap((change) => [
      { at: change.began, ends: false, change },
      { at: change.ended, ends: true, change },
    ]);
    this.#steps = steps.sort((a, b) => a.at - b.at || Number(a.ends) - Number(b.ends));
  }

  /** What happens next; `undefined`: the recording is at its end. */
  get nextStep(): Step | undefined {
    return this.#steps[this.#next];
  }

  step(): void {
    const step = this.#steps[this.#next++];
    if (step === undefined) return;
    const { change, ends } = step;
    if (!ends) {
      if (isData(change)) this.#file(change.file).change(change);
      else if (isNaming(change)) this.#begin(change);
    } else if (change.kind === 'sync') {
      this.#sync(change);
    } else if (change.kind === 'write' && change.through) {
      this.#settleNames(change.file, change.began, true);
      this.#file(change.file).settleWrite(change);
    }
  }

  advanceTo(position: number): void {
    for (let next = this.nextStep; next !== undefined && next.at <= position; next = this.nextStep) this.step();
  }

  /** Changes of names and sizes that may be lost, in their order. */
  get pendingNames(): readonly NamingChange[] {
    return this.#pending.filter(({ isDurable }) => !isDurable).map(({ change }) => change);
  }

  /** Data of files that may be lost, in its order. */
  get pendingData(): readonly DataChange[] {
    return [...this.#files.values()].flatMap((file) => file.pending()).sort((a, b) => a.began - b.began);
  }

  everything(): DiskImage {
    return this.image(EVERYTHING);
  }

  image({ isNamed, ...fate }: Fate): DiskImage {
    const names = new Map([...this.#names].map(([directory, entries]) => [directory, new Map(entries)]));
    const cuts = new Map<NodeId, number>();
    const lostCuts = new Set<NodeId>();
    let number = 0;
    for (const { change, isDurable } of this.#pending) {
      const isKept = isDurable || isNamed(change, number);
      if (!isDurable) number++;
      if (change.kind !== 'resize') {
        if (isKept) rename(names, change);
      } else if (isKept && !lostCuts.has(change.file)) {
        cuts.set(change.file, (cuts.get(change.file) ?? 0) + 1);
      } else {
        lostCuts.add(change.file);
      }
    }
    const image = new Map<string, Uint8Array | 'directory'>();
    const walk = (directory: NodeId, path: string): void => {
      for (const [name, node] of [...(names.get(directory) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const below = path === '' ? name : `${path}/${name}`;
        const file = this.#files.get(node);
        image.set(below, file === undefined ? 'directory' : file.content(cuts.get(node) ?? 0, fate));
        if (file === undefined) walk(node, below);
      }
    };
    walk(ROOT, '');
    return image;
  }

  #place(path: string, content: Uint8Array | 'directory', nodes: ReadonlyMap<string, NodeId>): void {
    const node = nodes.get(path);
    const parent = path.includes('/') ? nodes.get(path.slice(0, path.lastIndexOf('/'))) : ROOT;
    if (node === undefined || parent === undefined) throw new Error(`${path} has no number.`);
    this.#names.get(parent)?.set(path.slice(path.lastIndexOf('/') + 1), node);
    if (content === 'directory') this.#names.set(node, new Map());
    else this.#files.set(node, new PendingFile(content));
  }

  #file(node: NodeId): PendingFile {
    const file = this.#files.get(node);
    if (file === undefined) throw new Error(`There is no file number ${node}.`);
    return file;
  }

  #begin(change: NamingChange): void {
    if (change.kind === 'create' && change.isDirectory) this.#names.set(change.file, new Map());
    if (change.kind === 'create' && !change.isDirectory) this.#files.set(change.file, new PendingFile());
    if (change.kind === 'resize') this.#file(change.file).resize(change.size);
    this.#pending.push({ change, isDurable: false });
  }

  #sync({ file, began, dataOnly }: SyncChange): void {
    this.#settleNames(file, began, dataOnly);
    this.#files.get(file)?.settle(began);
  }

  /** What a sync of the node, which began then, makes durable besides data. */
  #settleNames(node: NodeId, began: number, dataOnly: boolean): void {
    const isCovered = ({ change }: { readonly change: NamingChange }): boolean =>
      change.ended < began && (this.#model === 'ext4' ? isInJournal(change, node, dataOnly) : isNeeded(change, node));
    const last = this.#pending.findLastIndex(isCovered);
    for (const [number, pending] of this.#pending.entries()) {
      // A journal is written from its beginning.
      if (pending.isDurable || !(this.#model === 'ext4' ? number <= last : isCovered(pending))) continue;
      pending.isDurable = true;
      if (pending.change.kind === 'resize') this.#file(pending.change.file).settleResize();
    }
    // Cuts are done; a name waits for those before it, which may be made of the same words.
    this.#pending = this.#pending.filter(({ change, isDurable }) => !(isDurable && change.kind === 'resize'));
    while (this.#pending[0]?.isDurable === true) {
      const settled = this.#pending.shift();
      if (settled !== undefined) rename(this.#names, settled.change);
    }
  }
}

/** The directory's names, and the size of the file, without which its data can't be found. */
function isNeeded(change: NamingChange, node: NodeId): boolean {
  if (change.kind === 'resize') return change.file === node;
  return ('from' in change && change.from.directory === node) || ('to' in change && change.to.directory === node);
}

/**
 * Whether the node's last journalled change is this: ext4 writes its journal up to there. fdatasync doesn't ask for changes of the node that only touch its times, as
 * a rename does.
 */
function isInJournal(change: NamingChange, node: NodeId, dataOnly: boolean): boolean {
  if (isNeeded(change, node)) return true;
  return change.file === node && (!dataOnly || change.kind === 'create');
}

function rename(names: Map<NodeId, Map<string, NodeId>>, change: NamingChange): void {
  if (change.kind === 'resize') return;
  if (change.kind === 'remove' || change.kind === 'rename') names.get(change.from.directory)?.delete(change.from.name);
  if (change.kind !== 'remove') names.get(change.to.directory)?.set(change.to.name, change.file);
}
