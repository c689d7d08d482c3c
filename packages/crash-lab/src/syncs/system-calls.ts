import { resolve } from 'node:path';
import { type TracedCall, tracedCalls } from '../record/trace-lines.ts';

/** One finished system call on a file of a store, or a mark that the traced program left. */
export interface SystemCall {
  /** As the kernel calls it: `pwrite64`, `fdatasync`, `openat`; `mark` for a mark. */
  readonly name: string;
  /** Below the store's directory, `''` for the directory itself; of a rename the new one; of a mark its text. */
  readonly path: string;
  /** Of a rename: where the file was. */
  readonly from?: string;
  /** As strace prints them. */
  readonly args: string;
  /** What it returned, -1 for a failure. */
  readonly result: number;
  /** The failure came from strace, not from the kernel. */
  readonly injected: boolean;
  /** It wrote through to the device: the descriptor was opened with `O_DSYNC` or `O_SYNC`. */
  readonly writesThrough: boolean;
  /** Positions in the trace. Calls of several threads overlap: one happened before another only if it ended before that began. */
  readonly began: number;
  readonly ended: number;
}

/** What a trace must hold to be read here. `?`: not every architecture has it. */
export const TRACED_CALLS: readonly string[] = [
  ...['?open', 'openat', 'mmap', '?rename', '?renameat', 'renameat2', '?unlink', 'unlinkat', 'ftruncate', 'fallocate'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'fsync', 'fdatasync', 'msync'],
  ...['?access', 'faccessat', '?faccessat2'],
];

/** A path that doesn't exist: that a program asks for access to it shows up in the trace, and does nothing else. */
export const MARK_PREFIX = '/raftlog-mark/';

export const isWrite = (call: SystemCall): boolean => /^p?writev?(64|2)?$/.test(call.name);

/** `sync_file_range` is none: it waits neither for the device's own cache nor for what the file system notes of the file. */
export const isSync = (call: SystemCall): boolean =>
  /^fd?(ata)?sync$/.test(call.name) || (call.name === 'msync' && call.args.includes('MS_SYNC'));

/** Reads what `strace -f -y` printed: the calls on `directory` and below, in the order in which they ended. */
export function parseTrace(text: string, directory: string): SystemCall[] {
  const reader = new TraceReader(directory);
  return tracedCalls(text).flatMap((call) => reader.read(call) ?? []);
}

class TraceReader {
  readonly #directory: string;
  /** Descriptors that write through. By number alone: their path changes with a rename. */
  readonly #throughFds = new Set<string>();
  readonly #mappings: { readonly start: bigint; readonly end: bigint; readonly path: string }[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  read({ name, args, outcome, began, ended }: TracedCall): SystemCall | undefined {
    const result = Number.parseInt(outcome, 10);
    const call = { name, args, result, injected: outcome.includes('(INJECTED)'), writesThrough: false, began, ended };
    const quoted = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '');
    const first = quoted[0] ?? '';
    if (/access/.test(name)) {
      return first.startsWith(MARK_PREFIX)
        ? { ...call, name: 'mark', path: first.slice(MARK_PREFIX.length) }
        : undefined;
    }
    if (name === 'mmap') this.#noteMapping(args, outcome);
    if (name.startsWith('open')) return this.#opened(call, /^\d+<([^>]*)>/.exec(outcome)?.[1] ?? first);
    if (name === 'msync') return this.#onFile(call, this.#mapped(args));
    if (name.startsWith('rename')) {
      const moved = this.#onFile(call, quoted[1]);
      const from = this.#below(first);
      return moved === undefined || from === undefined ? moved : { ...moved, from };
    }
    if (name.startsWith('unlink')) return this.#onFile(call, first);
    const [, fd = '', path] = /^(\d+)<([^>]*)>/.exec(args) ?? [];
    return this.#onFile({ ...call, writesThrough: this.#throughFds.has(fd) || /\bRWF_D?SYNC\b/.test(args) }, path);
  }

  #opened(call: Omit<SystemCall, 'path'>, path: string): SystemCall | undefined {
    if (/\bO_D?SYNC\b/.test(call.args)) this.#throughFds.add(String(call.result));
    else this.#throughFds.delete(String(call.result));
    return this.#onFile(call, path);
  }

  #noteMapping(args: string, outcome: string): void {
    const [, length, path] = /^[^,]+, (\d+), .*MAP_SHARED.*, \d+<([^>]*)>/.exec(args) ?? [];
    if (length === undefined || path === undefined || !outcome.startsWith('0x')) return;
    const start = BigInt(outcome.split(' ')[0] ?? 0);
    this.#mappings.push({ start, end: start + BigInt(length), path });
  }

  #mapped(args: string): string | undefined {
    const address = BigInt(/^0x[0-9a-f]+/.exec(args)?.[0] ?? 0);
    // The newest first: addresses are used again.
    return this.#mappings.findLast(({ start, end }) => start <= address && address < end)?.path;
  }

  #onFile(call: Omit<SystemCall, 'path'>, path: string | undefined): SystemCall | undefined {
    const below = path === undefined ? undefined : this.#below(path);
    return below === undefined ? undefined : { ...call, path: below };
  }

  #below(path: string): string | undefined {
    const whole = resolve(path);
    if (whole === this.#directory) return '';
    return whole.startsWith(`${this.#directory}/`) ? whole.slice(this.#directory.length + 1) : undefined;
  }
}
