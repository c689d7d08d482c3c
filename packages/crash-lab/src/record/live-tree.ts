import { basename, dirname, relative, resolve } from 'node:path';

/** Names a file or directory for good, whatever it is called meanwhile. */
export type NodeId = number;

export const ROOT: NodeId = 0;

/** What every process sees of the recorded directory: names, and sizes of files. */
export class LiveTree {
  readonly #root: string;
  readonly #directories = new Map<NodeId, Map<string, NodeId>>([[ROOT, new Map()]]);
  readonly #sizes = new Map<NodeId, number>();
  #lastId = ROOT;

  /** `root`: as the kernel names it. */
  constructor(root: string) {
    this.#root = root;
  }

  /** The path below the root, `''` for itself; `undefined`: it is somewhere else. */
  below(path: string): string | undefined {
    const whole = resolve(path);
    if (whole === this.#root) return '';
    return whole.startsWith(`${this.#root}/`) ? relative(this.#root, whole) : undefined;
  }

  /** What is there at a path below the root. */
  at(path: string): NodeId | undefined {
    let node: NodeId | undefined = ROOT;
    for (const name of path.split('/')) {
      if (name !== '') node = node === undefined ? undefined : this.#directories.get(node)?.get(name);
    }
    return node;
  }

  /** The directory that the last name of a path is in, and that name. */
  place(path: string): { readonly directory: NodeId; readonly name: string } {
    const directory = this.at(dirname(path) === '.' ? '' : dirname(path));
    if (directory === undefined) throw new Error(`The trace uses ${path}, in a directory that it never made.`);
    return { directory, name: basename(path) };
  }

  add(path: string, isDirectory: boolean): NodeId {
    const id = ++this.#lastId;
    if (isDirectory) this.#directories.set(id, new Map());
    else this.#sizes.set(id, 0);
    this.set(path, id);
    return id;
  }

  /** `undefined`: nothing has this name any more. */
  set(path: string, node: NodeId | undefined): void {
    const { directory, name } = this.place(path);
    if (node === undefined) this.#directories.get(directory)?.delete(name);
    else this.#directories.get(directory)?.set(name, node);
  }

  isFile(node: NodeId): boolean {
    return this.#sizes.has(node);
  }

  size(node: NodeId): number {
    return this.#sizes.get(node) ?? 0;
  }

  resize(node: NodeId, size: number): void {
    this.#sizes.set(node, size);
  }
}
