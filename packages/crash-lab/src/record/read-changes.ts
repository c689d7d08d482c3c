import { MARK_PREFIX } from '../syncs/system-calls.ts';
import type { Change } from './change.ts';
import { Descriptors, type OpenFile, processesOf } from './descriptors.ts';
import { LiveTree, type NodeId } from './live-tree.ts';
import { bytesOf, resultOf, type TracedCall, tracedCalls, unescaped } from './trace-lines.ts';

/** What must be traced for {@link readChanges} to miss nothing. `?`: not every architecture has it. */
export const CHANGING_CALLS: readonly string[] = [
  ...['?open', '?creat', 'openat', '?openat2', 'close', 'dup', '?dup2', 'dup3', 'fcntl', 'lseek', 'read', 'readv'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'ftruncate', 'truncate', 'fallocate'],
  ...['copy_file_range', 'sendfile', 'splice', 'mmap', '?rename', '?renameat', 'renameat2', '?link', 'linkat'],
  ...['?unlink', 'unlinkat', '?rmdir', '?mkdir', 'mkdirat', '?symlink', 'symlinkat', 'ioctl'],
  ...['fsync', 'fdatasync', 'msync', 'sync', 'syncfs', 'clone', '?clone3', '?access', 'faccessat', '?faccessat2'],
];

export interface ReadOptions {
  /** The recorded directory, as the kernel names it. */
  readonly root: string;
  /** What was in it before, paths below it; of a file its size. */
  readonly before: ReadonlyMap<string, number | 'directory'>;
  /** Files, by their path below the root, that are left out. They may be mapped. */
  readonly leftOut: (path: string) => boolean;
}

export interface ReadChanges {
  readonly changes: readonly Change[];
  /** The nodes that were there before, by path. */
  readonly before: ReadonlyMap<string, NodeId>;
}

/**
 * Makes of what `strace -f -y -xx` printed what was done to a directory, in the order in which the calls ended. Throws a sentence where something
 * was done to it that isn't understood: a state that lacks a write proves nothing.
 */
export function readChanges(text: string, options: ReadOptions): ReadChanges {
  return new ChangeReader(tracedCalls(text), options).read();
}

type Arguments = readonly string[];

class ChangeReader {
  readonly #calls: readonly TracedCall[];
  readonly #options: ReadOptions;
  readonly #tree: LiveTree;
  readonly #descriptors = new Descriptors();
  readonly #processOf: (thread: string) => string;
  readonly #changes: Change[] = [];
  /** What a descriptor was when the call began: another thread may have closed it and opened another by its end. */
  readonly #opened = new Map<TracedCall, OpenFile | undefined>();

  constructor(calls: readonly TracedCall[], options: ReadOptions) {
    this.#calls = calls;
    this.#options = options;
    this.#tree = new LiveTree(options.root);
    this.#processOf = processesOf(calls);
  }

  read(): ReadChanges {
    const before = new Map<string, NodeId>();
    for (const [path, content] of [...this.#options.before].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const id = this.#tree.add(path, content === 'directory');
      if (content !== 'directory') this.#tree.resize(id, content);
      before.set(path, id);
    }
    const moments = this.#calls.flatMap((call) => [
      { at: call.began, order: 1, act: () => this.#begin(call) },
      { at: call.ended, order: 2, act: () => this.#end(call) },
    ]);
    for (const { act } of moments.sort((a, b) => a.at - b.at || a.order - b.order)) act();
    return { changes: this.#changes, before };
  }

  #begin(call: TracedCall): void {
    const fd = /^(\d+)</.exec(call.args)?.[1];
    if (fd === undefined) return;
    const process = this.#processOf(call.thread);
    this.#opened.set(call, this.#descriptors.get(process, Number(fd)));
    if (call.name === 'close') this.#descriptors.set(process, Number(fd), undefined);
  }

  #end(call: TracedCall): void {
    const result = resultOf(call);
    const { name } = call;
    const file = this.#opened.get(call);
    if (/access/.test(name)) this.#mark(call);
    // What failed changed nothing.
    else if (!(result >= 0)) return;
    else if (/^open|^creat/.test(name)) this.#open(call, result);
    else if (/^dup|^fcntl$/.test(name)) this.#duplicate(call, result);
    else if (/^rename|^(un|sym)?link|^mkdir|^rmdir|^truncate$/.test(name)) this.#byPath(call);
    else if (name === 'mmap') this.#mapped(call);
    else if (/^sync(fs)?$/.test(name)) throw new Error(`The trace has ${name}, which the lab doesn't model.`);
    else if (file !== undefined) this.#onFile(call, file, result);
    else this.#refuseForeign(call);
  }

  #mark(call: TracedCall): void {
    const path = this.#paths(call)[0] ?? '';
    if (path.startsWith(MARK_PREFIX)) this.#note(call, { kind: 'mark', text: path.slice(MARK_PREFIX.length) });
  }

  #open(call: TracedCall, fd: number): void {
    const process = this.#processOf(call.thread);
    const path = this.#below(unescaped(/<((?:\\x..)*)>/.exec(call.outcome)?.[1] ?? ''));
    this.#descriptors.set(process, fd, undefined);
    if (path === undefined || this.#options.leftOut(path)) return;
    const flags = call.name === 'creat' ? 'O_CREAT|O_TRUNC' : call.args;
    let node = this.#tree.at(path);
    if (node === undefined) {
      if (!/\bO_CREAT\b/.test(flags)) throw new Error(`The trace opens ${path}, which it never made.`);
      node = this.#tree.add(path, false);
      this.#note(call, { kind: 'create', file: node, to: this.#tree.place(path), isDirectory: false }, path);
    } else if (/\bO_TRUNC\b/.test(flags) && this.#tree.size(node) > 0) {
      this.#resize(call, node, 0, path);
    }
    const through = /\bO_D?SYNC\b/.test(flags);
    this.#descriptors.set(process, fd, { node, appends: /\bO_APPEND\b/.test(flags), through, position: 0 });
  }

  #duplicate(call: TracedCall, result: number): void {
    if (call.name === 'fcntl' && !call.args.includes('F_DUPFD')) return;
    this.#descriptors.set(this.#processOf(call.thread), result, this.#opened.get(call));
  }

  #byPath(call: TracedCall): void {
    const { name, args } = call;
    const isMove = /^rename|^(sym)?link/.test(name);
    const paths = this.#paths(call).slice(0, isMove ? 2 : 1);
    const below = paths.map((path) => this.#below(path));
    const inside = below.filter((path) => path !== undefined && !this.#options.leftOut(path));
    if (inside.length === 0) return;
    if (inside.length < below.length || name.startsWith('sym') || args.includes('RENAME_EXCHANGE')) {
      throw new Error(`The lab doesn't model ${name} of ${paths.join(' to ')}.`);
    }
    const [from = '', to] = inside;
    if (name.startsWith('mkdir')) {
      const file = this.#tree.add(from, true);
      this.#note(call, { kind: 'create', file, to: this.#tree.place(from), isDirectory: true }, from);
    } else if (name === 'truncate') {
      this.#resize(call, this.#known(name, from), Number(lastArgument(call)), from);
    } else if (to === undefined) {
      this.#note(call, { kind: 'remove', file: this.#known(name, from), from: this.#tree.place(from) }, from);
      this.#tree.set(from, undefined);
    } else {
      this.#move(call, from, to);
    }
  }

  #move(call: TracedCall, from: string, to: string): void {
    const file = this.#known(call.name, from);
    const names = { from: this.#tree.place(from), to: this.#tree.place(to) };
    const isRename = call.name.startsWith('rename');
    const what = isRename
      ? ({ kind: 'rename', file, ...names } as const)
      : ({ kind: 'link', file, to: names.to } as const);
    this.#note(call, what, `${from} to ${to}`);
    this.#tree.set(to, file);
    if (isRename) this.#tree.set(from, undefined);
  }

  #known(name: string, path: string): NodeId {
    const file = this.#tree.at(path);
    if (file === undefined) throw new Error(`The trace has ${name} of ${path}, which it never made.`);
    return file;
  }

  #onFile(call: TracedCall, file: OpenFile, result: number): void {
    const { name } = call;
    if (name === 'lseek') file.position = result;
    else if (name === 'read' || name === 'readv') file.position += result;
    else if (/write/.test(name)) this.#write(call, file, result);
    else if (name === 'ftruncate') this.#resize(call, file.node, Number(lastArgument(call)), this.#pathOf(call));
    else if (name === 'fallocate') this.#allocate(call, file);
    else if (/^fd?(ata)?sync$/.test(name)) {
      this.#note(call, { kind: 'sync', file: file.node, dataOnly: name === 'fdatasync' }, this.#pathOf(call));
    } else if (/copy|send|splice/.test(name)) this.#refuseForeign(call);
  }

  #write(call: TracedCall, file: OpenFile, result: number): void {
    const positioned = call.name.startsWith('p');
    const strings = [...call.args.matchAll(/"((?:\\x..)*)"(\.\.\.)?/g)];
    if (strings.some(([, , cut]) => cut !== undefined)) throw new Error(`The trace cuts short ${call.name}.`);
    const bytes = Buffer.concat(strings.map(([, text = '']) => bytesOf(text))).subarray(0, result);
    if (bytes.length < result) throw new Error(`The trace lacks bytes of ${call.name}.`);
    const flags = /\bRWF_\w+/.exec(call.args)?.[0] ?? '';
    const args = call.args.replace(/, (0|RWF_\w+(\|RWF_\w+)*)$/, call.name === 'pwritev2' ? '' : '$&');
    const size = this.#tree.size(file.node);
    const at = positioned ? Number(args.slice(args.lastIndexOf(',') + 1)) : file.appends ? size : file.position;
    if (!positioned) file.position = at + bytes.length;
    if (bytes.length === 0) return;
    const through = file.through || /RWF_D?SYNC/.test(flags);
    this.#note(
      call,
      { kind: 'write', file: file.node, at, bytes, through },
      `${this.#pathOf(call)} ${at}+${bytes.length}`,
    );
    this.#tree.resize(file.node, Math.max(size, at + bytes.length));
  }

  #resize(call: TracedCall, file: NodeId, size: number, path: string): void {
    if (this.#tree.size(file) === size) return;
    this.#note(call, { kind: 'resize', file, size }, `${path} to ${size}`);
    this.#tree.resize(file, size);
  }

  #allocate(call: TracedCall, { node }: OpenFile): void {
    const [, mode = '', at = '', length = ''] = /, ([\w|]+), (\d+), (\d+)$/.exec(call.args) ?? [];
    const [from, to] = [Number(at), Number(at) + Number(length)];
    const size = this.#tree.size(node);
    if (/COLLAPSE|INSERT|UNSHARE/.test(mode)) throw new Error(`The lab doesn't model fallocate with ${mode}.`);
    if (/PUNCH_HOLE|ZERO_RANGE/.test(mode) && from < size) {
      const bytes = new Uint8Array(Math.min(to, size) - from);
      this.#note(call, { kind: 'write', file: node, at: from, bytes, through: false }, this.#pathOf(call));
    }
    if (mode.includes('KEEP_SIZE') || to <= size) return;
    this.#note(call, { kind: 'extend', file: node, size: to }, `${this.#pathOf(call)} to ${to}`);
    this.#tree.resize(node, to);
  }

  #mapped(call: TracedCall): void {
    const [, text] = /PROT_WRITE.*\bMAP_SHARED.*, \d+<((?:\\x..)*)>/.exec(call.args) ?? [];
    const path = text === undefined ? undefined : this.#below(unescaped(text));
    if (path === undefined || this.#options.leftOut(path)) return;
    throw new Error(
      `${path} is written through a shared mapping, which no trace shows. If it holds nothing that must survive, leave it out; otherwise the lab can't judge this engine.`,
    );
  }

  /** Calls on descriptors that aren't known: right unless they are on the recorded directory. */
  #refuseForeign(call: TracedCall): void {
    if (!/write|truncate|allocate|sync|copy|send|splice/.test(call.name)) return;
    const paths = [...call.args.matchAll(/\d<((?:\\x..)*)>/g)].map(([, text = '']) => this.#below(unescaped(text)));
    // Of a file that was removed nothing is left to be found.
    const path = paths.find((below) => below !== undefined && !this.#options.leftOut(below) && this.#tree.at(below));
    if (path !== undefined) throw new Error(`The lab can't follow ${call.name} of ${path}.`);
  }

  #note(call: TracedCall, what: OneOf<Change>, path = ''): void {
    const { began, ended, name } = call;
    this.#changes.push({ ...what, call: `${name} ${path}`.trimEnd(), began, ended } as Change);
  }

  #pathOf({ args }: TracedCall): string {
    return this.#below(unescaped(/^\d+<((?:\\x..)*)>/.exec(args)?.[1] ?? '')) ?? '';
  }

  #below(path: string): string | undefined {
    return path.startsWith('/') ? this.#tree.below(path) : undefined;
  }

  /** The paths in quotes. A relative one belongs to the directory before it. */
  #paths({ args }: TracedCall): Arguments {
    return [...args.matchAll(/(?:(?:AT_FDCWD|\d+)<((?:\\x..)*)>, )?"((?:\\x..)*)"/g)].map(
      ([, directory, path = '']) => {
        const text = unescaped(path);
        return directory === undefined || text.startsWith('/') ? text : `${unescaped(directory)}/${text}`;
      },
    );
  }
}

type OneOf<Union> = Union extends unknown ? Omit<Union, 'call' | 'began' | 'ended'> : never;

function lastArgument({ args }: TracedCall): string {
  return args.slice(args.lastIndexOf(',') + 1);
}
